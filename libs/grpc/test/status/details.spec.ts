import { create } from '@bufbuild/protobuf';
import { anyPack, anyUnpack, type Any, StringValueSchema } from '@bufbuild/protobuf/wkt';
import { status as Status } from '@grpc/grpc-js';
import { type shelf, testingContract } from '@rollcall/contract/testing';
import { firstValueFrom } from 'rxjs';
import { expect, it } from 'vitest';
import { GrpcChannel, isSentByServer, RpcError } from '../../src/grpc.ts';
import { shelfServiceName, startShelf } from '../shelf-service.ts';

async function received(thrown: RpcError): Promise<RpcError> {
  await using service = await startShelf({
    readFile: () => {
      throw thrown;
    },
  });
  const channel = new GrpcChannel(service.target);
  try {
    const client = channel.client<shelf.ShelfServiceClient>(testingContract, shelfServiceName);
    await firstValueFrom(client.readFile({ path: 'a' }));
  } catch (error) {
    if (error instanceof RpcError) return error;
    throw error;
  } finally {
    channel.close();
  }
  throw new Error('the call succeeded');
}

const other: Any = anyPack(StringValueSchema, create(StringValueSchema, { value: 'a detail of its own' }));

it('carries details of any type, beside those that have a place of their own', async () => {
  const error = await received(new RpcError(Status.ABORTED, 'CLASH', 'No.', { others: [other], retryDelayMs: 5 }));
  expect(error.details.retryDelayMs).toBe(5);
  const [detail] = error.details.others ?? [];
  expect(detail && anyUnpack(detail, StringValueSchema)?.value).toBe('a detail of its own');
});

it('keeps whose reason it is when an error of another service is passed on', async () => {
  const error = await received(new RpcError(Status.ABORTED, 'CLASH', 'No.', { domain: 'elsewhere.example' }));
  expect(error).toMatchObject({ reason: 'CLASH', details: { domain: 'elsewhere.example' } });
});

it('gives facts without a reason the name of the code as one', async () => {
  const error = await received(new RpcError(Status.ABORTED, '', 'No.', { metadata: { cursor: '7' } }));
  expect(error).toMatchObject({ reason: 'ABORTED', details: { metadata: { cursor: '7' } } });
});

it('tells what a server sent from what the transport made', async () => {
  expect(isSentByServer(await received(new RpcError(Status.UNAVAILABLE, '', 'Later.')))).toBe(true);
  const channel = new GrpcChannel('unix:///nobody/is/here.sock');
  const client = channel.client<shelf.ShelfServiceClient>(testingContract, shelfServiceName);
  const error: unknown = await firstValueFrom(client.readFile({ path: 'a' })).catch((caught: unknown) => caught);
  channel.close();
  expect(error).toMatchObject({ code: Status.UNAVAILABLE });
  expect(isSentByServer(error as RpcError)).toBe(false);
});
