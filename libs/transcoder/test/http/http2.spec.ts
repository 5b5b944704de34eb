import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { status as Status } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask, type Rest, seen, startRest, until } from '../shelf.ts';

let rest: Rest;
beforeAll(async () => {
  rest = await startRest({ adapter: { limits: { headersTimeoutMs: 300, maxStreams: 3, maxHeaderBytes: 4096 } } });
});
afterAll(() => rest[Symbol.asyncDispose]());

interface Http2Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly resetBy: number;
}

function open({ socketPath }: { socketPath: string }): ClientHttp2Session & Disposable {
  const session = connectHttp2('http://localhost', { createConnection: () => connect(socketPath) });
  session.on('error', () => undefined); // what a test does to it comes back
  return Object.assign(session, { [Symbol.dispose]: () => session.destroy() });
}

function answerOf(
  session: ClientHttp2Session,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
): Promise<Http2Answer> {
  return new Promise((resolve) => {
    const stream = session.request({ ':path': path, ...headers }, { endStream: body === undefined });
    let [text, head] = ['', {} as Record<string, unknown>];
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    stream.on('response', (received) => (head = received));
    stream.on('error', () => undefined);
    stream.on('close', () =>
      resolve({ status: Number(head[':status'] ?? 0), headers: head, text, resetBy: stream.rstCode }),
    );
    if (body !== undefined) stream.end(body);
  });
}

it('answers HTTP/2 that begins with its preface, beside HTTP/1.1, with the same headers', async () => {
  using session = open(rest);
  const over2 = await answerOf(session, '/v1/shelves/1/books/7', { 'x-request-id': 'mine' });
  const over1 = await ask(rest, '/v1/shelves/1/books/7', { headers: { 'x-request-id': 'mine' } });
  expect(over2.status).toBe(200);
  expect(over2.text).toBe(over1.text);
  const { date: _, connection: __, 'keep-alive': ___, ...same } = over1.headers;
  expect(over2.headers).toMatchObject(same);
});

it('takes the preface also when it comes byte by byte', async () => {
  const socket = connect(rest.socketPath);
  const received = Promise.withResolvers<Buffer>();
  socket.once('data', received.resolve);
  for (const byte of Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'))
    await new Promise((resolve) => socket.write(Buffer.of(byte), resolve));
  socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])); // SETTINGS
  expect((await received.promise)[3]).toBe(4);
  socket.destroy();
});

it('takes POST that begins like the preface, whatever comes at a time', async () => {
  const socket = connect(rest.socketPath);
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  for (const piece of ['P', 'R', 'OPFIND /v1/books HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'])
    await new Promise((resolve) => socket.write(piece, resolve));
  await new Promise((resolve) => socket.once('close', resolve));
  expect(text).toMatch(/^HTTP\/1\.1 405 /);
});

it('writes and reads bodies', async () => {
  using session = open(rest);
  const json = { 'content-type': 'application/json' };
  const post = { ':method': 'POST', ...json };
  expect(await answerOf(session, '/v1/shelves/1/books', post, '{"name":"9"}')).toMatchObject({ status: 201 });
  const wrong = await answerOf(session, '/v1/shelves/1/books', post, '{"nope":1}');
  expect(wrong).toMatchObject({ status: 400, headers: { 'content-type': 'application/problem+json' } });
});

it('streams both ways at a time', async () => {
  using session = open(rest);
  const stream = session.request({
    ':method': 'POST',
    ':path': '/v1/books:talk',
    'content-type': 'application/x-ndjson',
  });
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  stream.write('{"shelf":"a","name":"1"}\n');
  await until(() => text.includes('a1'));
  stream.end('{"shelf":"b","name":"2"}\n');
  await new Promise((resolve) => stream.once('close', resolve));
  expect(text).toBe('{"name":"a1"}\n{"name":"b2"}\n');
});

it.each([constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR])(
  'never takes an upload for whole that is reset with code %i',
  async (code) => {
    using session = open(rest);
    seen.cancelled = [];
    seen.counted = [];
    const path = '/v1/shelves/1/books:count';
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/x-ndjson' });
    stream.on('error', () => undefined);
    stream.write('{"name":"1"}\n{"name":"cut"}\n');
    await until(() => seen.counted.includes('cut'));
    stream.close(code);
    await until(() => seen.cancelled.length > 0);
    expect(seen.cancelled).toMatchObject([{ code: Status.CANCELLED }]);
  },
);

it('never takes an upload for whole whose connection is lost', async () => {
  using session = open(rest);
  seen.cancelled = [];
  seen.counted = [];
  const path = '/v1/shelves/1/books:count';
  const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/x-ndjson' });
  stream.on('error', () => undefined);
  stream.write('{"name":"lost"}\n');
  await until(() => seen.counted.includes('lost'));
  session.destroy();
  await until(() => seen.cancelled.length > 0);
  expect(seen.cancelled).toMatchObject([{ code: Status.CANCELLED }]);
});

it('breaks a stream off so that its reader sees it', async () => {
  using session = open(rest);
  const broken = await answerOf(session, '/v1/books:stream?count=5&failAfter=2', { accept: 'application/json' });
  expect(broken.resetBy).toBe(constants.NGHTTP2_INTERNAL_ERROR);
});

it('stops a source whose reader does not read, and closes it with the stream', async () => {
  using session = open(rest);
  const stream = session.request({ ':path': '/v1/books:stream?count=10000000&perMessage=100' });
  stream.on('error', () => undefined);
  await new Promise((resolve) => stream.once('response', resolve));
  let emitted = -1;
  while (emitted !== seen.emitted) {
    emitted = seen.emitted;
    await new Promise((resolve) => setTimeout(resolve, 50)); // two looks that see the same
  }
  expect(emitted).toBeLessThan(500_000);
  stream.close(constants.NGHTTP2_CANCEL);
  await until(() => seen.closed === 1);
});

it('stops an upload that it has refused', async () => {
  using session = open(rest);
  const stream = session.request({ ':method': 'POST', ':path': '/v1/books:stream' });
  stream.on('error', () => undefined);
  const closed = new Promise((resolve) => stream.once('close', resolve));
  stream.resume().write(Buffer.alloc(100_000));
  await closed;
  expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
});

it('refuses a Host header that is not the authority', async () => {
  using session = open(rest);
  expect(await answerOf(session, '/v1/books', { ':authority': 'localhost', host: 'elsewhere' })).toMatchObject({
    status: 400,
  });
  expect(await answerOf(session, '/v1/books', { ':authority': 'localhost', host: 'localhost' })).toMatchObject({
    status: 200,
  });
});

it('takes no tunnel', async () => {
  using session = open(rest);
  const stream = session.request({ ':method': 'CONNECT', ':authority': 'localhost:1' });
  stream.on('error', () => undefined);
  const status = await new Promise((resolve) => stream.once('response', (head) => resolve(head[':status'])));
  expect(status).toBe(405);
});

it('bounds the headers of a request', async () => {
  using session = open(rest);
  const answer = await answerOf(session, '/v1/books', { 'x-long': 'x'.repeat(5000) });
  expect(answer).toMatchObject({ status: 431, text: expect.stringContaining('HEADERS_TOO_LARGE') });
});

it('bounds the requests under way on one connection', async () => {
  using session = open(rest);
  await new Promise((resolve) => session.once('remoteSettings', resolve));
  expect(session.remoteSettings.maxConcurrentStreams).toBe(3);
});

it.each(['nothing', 'the preface alone', 'half of the preface'])('closes a connection that sends %s', async (what) => {
  const socket: Socket = connect(rest.socketPath);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => undefined).resume();
  if (what === 'the preface alone') socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0', 'latin1');
  if (what === 'half of the preface') socket.write('PRI * HTTP/');
  await closed;
  expect(socket.destroyed).toBe(true);
});

it('lets requests under way end when it closes, and takes no more', async () => {
  const ending = await startRest({ drainMs: 200 });
  using session = open(ending);
  const stream = session.request({
    ':path': '/v1/books:stream?count=10000000&perMessage=100',
    accept: 'text/event-stream',
  });
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => (text = (text + chunk).slice(-200)));
  stream.on('error', () => undefined);
  await new Promise((resolve) => stream.once('response', resolve));
  const closed = new Promise((resolve) => stream.once('close', resolve));
  await ending[Symbol.asyncDispose]();
  await closed;
  expect(text).toContain('event: bye');
});
