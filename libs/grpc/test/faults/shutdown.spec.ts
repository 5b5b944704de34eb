import { status as Status } from '@grpc/grpc-js';
import { type health, systemContract } from '../../src/grpc.ts';
import { concat, firstValueFrom, NEVER, type Observable, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { RpcError } from '../../src/status/rpc-error.ts';
import { settled, startShelf, until } from '../shelf-service.ts';
import { anyBooks, connect, type Served, startStockShelf } from './servers.ts';
import { serveHealth } from './processes/stock.ts';

const graceful = { gracefulShutdown: true };
/** A stream that begins, and never ends by itself. */
const endless = { streamBooks: () => concat(of({ books: [{ number: '7' }] }), NEVER) };

/** Opens a stream, and waits until it has begun. */
async function open(stream: Observable<unknown>): Promise<{ ended: Promise<RpcError>; close(): void }> {
  const ended = Promise.withResolvers<RpcError>();
  let begun = false;
  const reading = stream.subscribe({ next: () => (begun = true), error: ended.resolve });
  await until(() => begun);
  return { ended: ended.promise, close: () => reading.unsubscribe() };
}

/** Watches the health of a server, and waits until the watch has begun. */
async function watchHealth({ target }: Served): Promise<{ ended: Promise<void>; close(): void }> {
  const { channel } = connect(target);
  const ended = Promise.withResolvers<void>();
  let begun = false;
  const watching = channel
    .client<health.HealthClient>(systemContract, 'grpc.health.v1.Health')
    .watch({ service: '' })
    .subscribe({ next: () => (begun = true), error: () => ended.resolve(), complete: ended.resolve });
  await until(() => begun);
  return {
    ended: ended.promise,
    close: () => {
      watching.unsubscribe();
      channel.close();
    },
  };
}

/** Whether a service that is told to close does so within a second. */
async function closesSoon(service: Served): Promise<boolean> {
  const never = settled(() => 0, 200).then(() => false);
  return Promise.race([service.close().then(() => true), never]);
}

describe('a graceful shutdown while a stream is open', () => {
  it('stock Nest: does not end', async () => {
    await using service = await startStockShelf(endless, { grpc: graceful });
    const stream = await open(service.client.streamBooks(anyBooks));
    expect(await closesSoon(service)).toBe(false);
    stream.close();
    await service.close(); // now it does
  });

  it('libs/grpc: ends at once, and tells the stream where it can be taken up again', async () => {
    await using service = await startShelf(endless, { drainMs: 60_000 });
    const stream = await open(service.client.streamBooks(anyBooks));
    expect(await closesSoon(service)).toBe(true);
    expect(await stream.ended).toMatchObject({
      code: Status.UNAVAILABLE,
      details: { metadata: { cursor: '7' } },
    });
  });

  it('libs/grpc: ends at the limit, when the stream cannot be taken up again', async () => {
    await using service = await startShelf({ talkBooks: () => concat(of({ name: 'a' }), NEVER) }, { drainMs: 200 });
    const stream = await open(service.client.talkBooks(NEVER));
    expect(await closesSoon(service)).toBe(true);
    expect(await stream.ended).toMatchObject({ code: Status.UNAVAILABLE, reason: 'UPSTREAM_UNAVAILABLE' });
  });
});

describe('a graceful shutdown while somebody watches the health', () => {
  it('stock Nest: does not end', async () => {
    await using service = await startStockShelf(endless, {
      grpc: { ...graceful, onLoadPackageDefinition: (_, server) => serveHealth(server) },
    });
    const watch = await watchHealth(service);
    expect(await closesSoon(service)).toBe(false);
    watch.close();
    await service.close();
  });

  it('libs/grpc: ends the watch at once', async () => {
    await using service = await startShelf(endless, { drainMs: 60_000 });
    const watch = await watchHealth(service);
    expect(await closesSoon(service)).toBe(true);
    await watch.ended;
    watch.close();
  });
});

describe('a shutdown while a unary call is under way', () => {
  /** What the caller gets when the handler would finish after the server was told to close. */
  const answer = async (start: (handlers: { readFile: () => unknown }) => Promise<Served>): Promise<unknown> => {
    const gate = Promise.withResolvers<void>();
    let running = false;
    await using service = await start({
      readFile: async () => {
        running = true;
        await gate.promise;
        return { path: 'finished' };
      },
    });
    const call = firstValueFrom(service.client.readFile({ path: '' })).catch((error: RpcError) => error.code);
    await until(() => running);
    const closed = service.close();
    await Promise.race([call, settled(() => 0)]); // time enough for the server to cut the call off
    gate.resolve();
    const got = await call;
    await closed;
    return got;
  };

  it('stock Nest: cancels it', async () => {
    expect(await answer((handlers) => startStockShelf(handlers))).toBe(Status.CANCELLED);
  });

  it('libs/grpc: lets it finish', async () => {
    expect(await answer((handlers) => startShelf(handlers, { drainMs: 60_000 }))).toEqual({ path: 'finished' });
  });
});
