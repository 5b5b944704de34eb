import { fromBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { Client, credentials, type ServiceError, status as Status } from '@grpc/grpc-js';
import { ErrorInfoSchema, StatusSchema } from '@rollcall/contract';
import type { shelf } from '@rollcall/contract/testing';
import { expect, it } from 'vitest';
import { RpcError } from '../../src/grpc.ts';
import { shelfServiceName, startShelf } from '../shelf-service.ts';

/** What a plain client of grpc-js is told of an error: its details of type google.rpc.ErrorInfo. */
async function errorInfos(reason: string): Promise<{ code: Status; infos: { reason: string; domain: string }[] }> {
  await using service = await startShelf({
    readFile: (_request: shelf.ReadFileRequest) => {
      throw new RpcError(Status.NOT_FOUND, reason, 'There is no such file.');
    },
  });
  const client = new Client(service.target, credentials.createInsecure());
  const same = (bytes: Buffer): Buffer => bytes;
  const error = await new Promise<ServiceError | null>((resolve) => {
    client.makeUnaryRequest(`/${shelfServiceName}/ReadFile`, same, same, Buffer.alloc(0), resolve);
  });
  client.close();
  if (error === null) throw new Error('the call succeeded');
  const [encoded] = error.metadata.get('grpc-status-details-bin');
  const { details } = fromBinary(StatusSchema, Buffer.from(encoded ?? ''));
  const infos = details
    .map((detail) => anyUnpack(detail, ErrorInfoSchema))
    .filter((info) => info !== undefined)
    .map((info) => ({ reason: info.reason, domain: info.domain }));
  return { code: error.code, infos };
}

it('sends reasons of any text under the domain that the server was given', async () => {
  const { code, infos } = await errorInfos('FILE_NOT_KEPT_HERE');
  expect(code).toBe(Status.NOT_FOUND);
  expect(infos).toEqual([{ reason: 'FILE_NOT_KEPT_HERE', domain: 'testing.v1' }]);
});

it('sends no domain for an error without a reason', async () => {
  const { code, infos } = await errorInfos('');
  expect(code).toBe(Status.NOT_FOUND);
  expect(infos).toEqual([]);
});
