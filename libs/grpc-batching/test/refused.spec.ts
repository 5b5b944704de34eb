import { batchClient } from '../src/client/batched-request.ts';
import type { ServerHttp2Stream } from 'node:http2';
import { status as Status } from '@grpc/grpc-js';
import { lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchPath } from '../src/wire/method.ts';
import { failure } from './batch-peers.ts';
import { messages, scripted, send, trailers } from '../../grpc/test/scripted-server.ts';

const method = {
  path: '/test.Service/Method',
  requestStream: false,
  responseStream: false,
  encode: (text: string): Buffer => Buffer.from(text),
  decode: (bytes: Buffer): string => bytes.toString().trim(),
};
const refuse = (stream: ServerHttp2Stream, status: Status): void =>
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': String(status), 'grpc-message': 'no' },
    { endStream: true },
  );

/** A server that answers plain calls, and does as it is told with the stream of batched ones. */
const server = (carry: (stream: ServerHttp2Stream) => void, plain: { calls: number }) =>
  scripted(
    (stream, path) => {
      if (path === batchPath) {
        carry(stream);
        return;
      }
      plain.calls += 1;
      void send(stream, messages(1, 5)).then(() => trailers(stream, Status.OK));
    },
    { unaryCalls: batchClient() },
  );

describe('calls that a server refuses to take batched', () => {
  it.each([
    'OK',
    'UNKNOWN',
    'INVALID_ARGUMENT',
    'NOT_FOUND',
    'ALREADY_EXISTS',
    'PERMISSION_DENIED',
    'RESOURCE_EXHAUSTED',
    'FAILED_PRECONDITION',
    'ABORTED',
    'OUT_OF_RANGE',
    'UNIMPLEMENTED',
    'INTERNAL',
    'DATA_LOSS',
    'UNAUTHENTICATED',
  ] as const)('with %s alone are made plainly, once', async (code) => {
    const plain = { calls: 0 };
    await using service = await server((stream) => refuse(stream, Status[code]), plain);
    const call = () => lastValueFrom(service.channel.call(method, 'a'));
    expect(await Promise.all([call(), call()])).toEqual(['0', '0']);
    expect(plain.calls).toBe(2);
  });

  it.each([
    [
      'a status that proxies give for a server that they lost',
      (stream: ServerHttp2Stream) => refuse(stream, Status.UNAVAILABLE),
    ],
    ['a status of HTTP alone', (stream: ServerHttp2Stream) => stream.respond({ ':status': 502 }, { endStream: true })],
    ['a reset', (stream: ServerHttp2Stream) => stream.close(2)],
    [
      'the same status behind headers, which say that calls were taken',
      (stream: ServerHttp2Stream) =>
        void send(stream, Buffer.alloc(0)).then(() => trailers(stream, Status.INVALID_ARGUMENT)),
    ],
  ])('with %s are not made again, as they may have taken place', async (_, carry) => {
    const plain = { calls: 0 };
    await using service = await server(carry, plain);
    expect((await failure(service.channel.call(method, 'a'))).code).toBe(Status.UNAVAILABLE);
    expect(plain.calls).toBe(0);
  });
});
