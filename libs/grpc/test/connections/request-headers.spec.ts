import type { ClientHttp2Session, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { deflateSync, gzipSync } from 'node:zlib';
import { status as Status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { fixedHeaders, plainConnection } from '../plain-http2.ts';
import { shelfServiceName, startShelf } from '../shelf-service.ts';

/** A message in the frame that gRPC puts around it. */
function framed(message: Buffer, compressed = 0): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(compressed, 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Makes a request of which a test says each header. @returns all headers and trailers of the answer */
async function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body = framed(Buffer.alloc(0)),
): Promise<IncomingHttpHeaders> {
  const path = `/${shelfServiceName}/ReadFile`;
  const request = { ':method': 'POST', ':path': path, ...fixedHeaders, ...headers };
  const stream = session.request(request, { endStream: false });
  stream.on('error', () => undefined); // the answer tells of it
  const answer: IncomingHttpHeaders = {};
  stream.on('response', (read) => Object.assign(answer, read)).on('trailers', (read) => Object.assign(answer, read));
  stream.end(body);
  stream.resume();
  await new Promise((resolve) => stream.on('close', resolve));
  return answer;
}

const start = () => startShelf({ readFile: ({ path }: { readonly path: string }) => ({ path }) });
const file = Buffer.from([0x0a, 1, 0x78]); // the path "x"

describe('headers that are those of no call', () => {
  it.each(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'QUERY'])('with the verb %s are answered 405', async (verb) => {
    await using service = await start();
    const session = plainConnection(service);
    expect(await ask(session, { ':method': verb })).toMatchObject({ ':status': 405, allow: 'POST' });
    session.close();
  });

  it.each(['application/grpc+json', 'application/grpc-web', 'application/grpcx', 'application/json', ''])(
    'of the type "%s" are answered 415, and no status of gRPC',
    async (type) => {
      await using service = await start();
      const session = plainConnection(service);
      const answer = await ask(session, { 'content-type': type });
      expect([answer[':status'], answer['grpc-status']]).toEqual([415, undefined]);
      session.close();
    },
  );

  it.each(['application/grpc', 'application/grpc+proto', 'application/grpc;charset=utf-8'])(
    'are not those of the type %s',
    async (type) => {
      await using service = await start();
      const session = plainConnection(service);
      expect(await ask(session, { 'content-type': type })).toMatchObject({ ':status': 200, 'grpc-status': '0' });
      session.close();
    },
  );

  it.each(['br', 'snappy', 'x'.repeat(5000)])(
    'with an encoding that the server cannot read, such as %.6s, are UNIMPLEMENTED, and tell those that it can',
    async (encoding) => {
      await using service = await start();
      const session = plainConnection(service);
      const answer = await ask(session, { 'grpc-encoding': encoding });
      expect(answer).toMatchObject({
        ':status': 200,
        'grpc-status': String(Status.UNIMPLEMENTED),
        'grpc-accept-encoding': 'identity,deflate,gzip',
      });
      session.close();
    },
  );
});

describe('a message that says it is compressed', () => {
  it.each([
    ['gzip', gzipSync(file)],
    ['deflate', deflateSync(file)],
  ])('is read when its call says that it is %s', async (encoding, message) => {
    await using service = await start();
    const session = plainConnection(service);
    const answer = await ask(session, { 'grpc-encoding': encoding }, framed(message, 1));
    expect(answer['grpc-status']).toBe('0');
    session.close();
  });

  it.each([{}, { 'grpc-encoding': 'identity' }])('is INTERNAL when its headers are %o', async (headers) => {
    await using service = await start();
    const session = plainConnection(service);
    expect(await ask(session, headers, framed(file, 1))).toMatchObject({ 'grpc-status': String(Status.INTERNAL) });
    session.close();
  });

  it('in a way that gRPC does not have is INTERNAL', async () => {
    await using service = await start();
    const session = plainConnection(service);
    const answer = await ask(session, { 'grpc-encoding': 'gzip' }, framed(gzipSync(file), 2));
    expect(answer['grpc-status']).toBe(String(Status.INTERNAL));
    session.close();
  });
});
