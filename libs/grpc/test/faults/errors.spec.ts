import { status as Status } from '@grpc/grpc-js';
import { GrpcExceptionFilter, GrpcNotFoundException, RpcException } from '@nestjs/microservices';
import { firstValueFrom, map } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { RpcError } from '../../src/status/rpc-error.ts';
import { until } from '../shelf-service.ts';
import { startOurs } from './processes/ours.ts';
import { startServer } from './processes/processes.ts';
import { connect, failure, ours, type Start, startStockShelf, stock } from './servers.ts';

describe('the exception of the transport', () => {
  const thrower = (error: Error) => ({
    readFile: () => {
      throw error;
    },
  });

  it('stock Nest: arrives as UNKNOWN, unless its filter is registered', async () => {
    const handlers = thrower(new GrpcNotFoundException('There is no such file.'));
    await using bare = await startStockShelf(handlers);
    expect(await failure(bare.client.readFile({ path: '' }))).toMatchObject({
      code: Status.UNKNOWN,
      message: 'Internal server error',
    });
    await using filtered = await startStockShelf(handlers, { filter: new GrpcExceptionFilter() });
    expect(await failure(filtered.client.readFile({ path: '' }))).toMatchObject({
      code: Status.NOT_FOUND,
      message: 'There is no such file.',
    });
  });

  it('libs/grpc: keeps its code, with no filter registered', async () => {
    const error = new RpcError(Status.NOT_FOUND, 'USER_NOT_FOUND', 'There is no such file.');
    await using service = await startOurs(thrower(error));
    using connection = connect(service.target);
    expect(await failure(connection.client.readFile({ path: '' }))).toMatchObject({
      code: Status.NOT_FOUND,
      reason: 'USER_NOT_FOUND',
      message: 'There is no such file.',
    });
  });
});

describe('an error whose message has a lone surrogate', () => {
  it('stock Nest: ends the process', async () => {
    await using server = await startServer({ side: 'stock', scene: 'surrogate' });
    using connection = connect(server.target);
    expect((await failure(connection.client.readFile({ path: '' }))).code).not.toBe(Status.NOT_FOUND);
    const { code, stderr } = await server.exited;
    expect(code).toBe(1);
    expect(stderr).toContain('URIError: URI malformed');
  });

  it('libs/grpc: arrives, and the server goes on', async () => {
    await using server = await startServer({ side: 'ours', scene: 'surrogate' });
    using connection = connect(server.target);
    for (let call = 0; call < 2; call++) {
      expect(await failure(connection.client.readFile({ path: '' }))).toMatchObject({
        code: Status.NOT_FOUND,
        message: '\ufffd broken',
      });
    }
  });
});

describe('an error whose message has 200 KB', () => {
  /** What the caller gets, and another one whose call on the same connection is under way. */
  const fail = async (start: Start, error: Error): Promise<[failed: RpcError, other: unknown]> => {
    const gate = Promise.withResolvers<void>();
    let running = false;
    await using service = await start({
      readFile: () => {
        throw error;
      },
      getBook: async () => {
        running = true;
        await gate.promise;
        return { name: 'a book' };
      },
    });
    const other = firstValueFrom(service.client.getBook({ name: '' }).pipe(map(({ name }) => name))).catch(
      (reason: RpcError) => reason.message,
    );
    await until(() => running);
    const failed = await failure(service.client.readFile({ path: '' }));
    gate.resolve();
    return [failed, await other];
  };
  const message = 'x'.repeat(200_000);

  it('stock Nest: ends the connection, and every call on it', async () => {
    const [failed, other] = await fail(stock, new RpcException({ code: Status.NOT_FOUND, message }));
    expect(failed.code).toBe(Status.INTERNAL);
    expect(other).toContain('RST_STREAM');
  });

  it('libs/grpc: arrives shortened, and the other call goes on', async () => {
    const [failed, other] = await fail(ours, new RpcError(Status.NOT_FOUND, 'USER_NOT_FOUND', message));
    expect(failed).toMatchObject({ code: Status.NOT_FOUND, reason: 'USER_NOT_FOUND' });
    expect(failed.message).toBe(`${'x'.repeat(1023)}…`);
    expect(other).toBe('a book');
  });
});
