import { once } from 'node:events';
import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask, type Rest, seen, startRest, until } from '../shelf.ts';

let rest: Rest;
beforeAll(async () => {
  rest = await startRest({ maxBodyBytes: 10_000 });
});
afterAll(() => rest[Symbol.asyncDispose]());

interface Heard {
  readonly socket: WebSocket;
  /** The frames that came, as JSON. */
  readonly frames: unknown[];
  readonly closed: Promise<number>;
  [Symbol.dispose](): void;
}

function open({ socketPath }: { socketPath: string }, path: string, headers: Record<string, string> = {}): Heard {
  const socket = new WebSocket(`ws+unix://${socketPath}:${path}`, { headers });
  const frames: unknown[] = [];
  socket.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString())));
  socket.on('error', () => undefined);
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  return { socket, frames, closed, [Symbol.dispose]: () => socket.terminate() };
}

/** The HTTP answer to a handshake that is refused. */
async function refusal(path: string, at = rest): Promise<{ status: number; json: unknown }> {
  const socket = new WebSocket(`ws+unix://${at.socketPath}:${path}`);
  socket.on('error', () => undefined);
  const [, response] = (await once(socket, 'unexpected-response')) as [
    unknown,
    AsyncIterable<Buffer> & { statusCode: number },
  ];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, json: JSON.parse(text) };
}

it('gives a stream of answers a frame each, and says at its end that it was whole', async () => {
  using stream = open(rest, '/v1/books:stream?count=3');
  expect(await stream.closed).toBe(1000);
  expect(stream.frames).toEqual([{ number: '1' }, { number: '2' }, { number: '3' }, { '@end': null }]);
});

it('tells an error behind what came before it, and by its close code', async () => {
  using stream = open(rest, '/v1/books:stream?count=5&failAfter=2');
  expect(await stream.closed).toBe(4503);
  expect(stream.frames).toMatchObject([
    { number: '1' },
    { number: '2' },
    { '@end': { status: 503, reason: 'UPSTREAM_UNAVAILABLE' } },
  ]);
});

it('talks both ways, at the path of a method that REST has as POST', async () => {
  using talk = open(rest, '/v1/books:talk');
  await once(talk.socket, 'open');
  talk.socket.send('{"shelf":"a","name":"1"}');
  await until(() => talk.frames.length === 1);
  talk.socket.send('{"shelf":"b","name":"2"}');
  await until(() => talk.frames.length === 2);
  talk.socket.send('');
  expect(await talk.closed).toBe(1000);
  expect(talk.frames).toEqual([{ name: 'a1' }, { name: 'b2' }, { '@end': null }]);
});

it('takes a stream of requests, with the path in each call, and answers once', async () => {
  using count = open(rest, '/v1/shelves/9/books:count');
  await once(count.socket, 'open');
  for (const name of ['1', '2']) count.socket.send(JSON.stringify({ name }));
  count.socket.send('');
  expect(await count.closed).toBe(1000);
  expect(count.frames).toMatchObject([{ count: '2' }, { '@end': null }]);
});

it('never takes a stream of requests for whole that is cut', async () => {
  using count = open(rest, '/v1/shelves/9/books:count');
  await once(count.socket, 'open');
  [seen.cancelled, seen.counted] = [[], []];
  count.socket.send('{"name":"cut"}');
  await until(() => seen.counted.includes('cut'));
  count.socket.close(1000);
  await until(() => seen.cancelled.length > 0);
  expect(seen.cancelled).toMatchObject([{ code: Status.CANCELLED }]);
});

it('names the message and the field that break a rule', async () => {
  using count = open(rest, '/v1/shelves/9/books:count');
  await once(count.socket, 'open');
  count.socket.send('{"name":"1"}');
  count.socket.send('{"name":"longer than ten"}');
  expect(await count.closed).toBe(4400);
  expect(count.frames).toMatchObject([
    { '@end': { detail: expect.stringContaining('Message 2: name'), fieldViolations: [{ field: 'name' }] } },
  ]);
});

it('refuses frames that are no text, and those that are too large', async () => {
  using binary = open(rest, '/v1/books:talk');
  await once(binary.socket, 'open');
  binary.socket.send(Buffer.from('{}'));
  expect(await binary.closed).toBe(1003);
  using large = open(rest, '/v1/books:talk');
  await once(large.socket, 'open');
  large.socket.send(JSON.stringify({ name: 'x'.repeat(20_000) }));
  expect(await large.closed).toBe(1009);
});

it('refuses by HTTP, with a problem document, what is wrong before the first message', async () => {
  expect(await refusal('/v1/books:stream?count=x')).toMatchObject({
    status: 400,
    json: { fieldViolations: [{ field: 'count' }] },
  });
  expect(await refusal('/nothing/here')).toMatchObject({ status: 404 });
  await using asking = await startRest({
    admit: () => Promise.reject(new RpcError(Status.PERMISSION_DENIED, 'NOT_PERMITTED', 'Not you.')),
  });
  expect(await refusal('/v1/books:talk', asking)).toMatchObject({ status: 403, json: { detail: 'Not you.' } });
});

it('answers a handshake at the path of a unary call as if it were none', async () => {
  expect(await refusal('/v1/shelves/1/books/7')).toMatchObject({ status: 200, json: { name: 'shelves/1/books/7' } });
});

it('answers a request that asks for another upgrade as one that asks for none', async () => {
  const headers = { connection: 'Upgrade', upgrade: 'h2c' };
  expect(await ask(rest, '/v1/shelves/1/books/7', { headers })).toMatchObject({ status: 200 });
});

it('stops the source of a socket that is not read, and closes it with the socket', async () => {
  using stream = open(rest, '/v1/books:stream?count=10000000&perMessage=100');
  await once(stream.socket, 'open');
  stream.socket.pause();
  let emitted = -1;
  while (emitted !== seen.emitted) {
    emitted = seen.emitted;
    await new Promise((resolve) => setTimeout(resolve, 50)); // two looks that see the same
  }
  expect(emitted).toBeLessThan(500_000);
  stream.socket.terminate();
  await until(() => seen.closed === 1);
});

it('reads no more of a socket than the service takes', async () => {
  using count = open(rest, '/v1/books:talk');
  await once(count.socket, 'open');
  count.socket.pause(); // what is answered is not read, so nothing more is taken in the end
  const message = JSON.stringify({ shelf: 'x'.repeat(9000) });
  let waiting = -1;
  while (waiting !== count.socket.bufferedAmount || waiting === 0) {
    waiting = count.socket.bufferedAmount;
    for (let sent = 0; sent < 200; sent++) count.socket.send(message);
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (count.socket.bufferedAmount > 20_000_000) break;
  }
  expect(count.socket.bufferedAmount).toBeGreaterThan(1_000_000);
});

it('says that it comes back when the server ends', async () => {
  const ending = await startRest({ drainMs: 500 });
  using stream = open(ending, '/v1/books:talk');
  await once(stream.socket, 'open');
  await ending[Symbol.asyncDispose]();
  expect(await stream.closed).toBe(1012);
  expect(stream.frames).toMatchObject([{ '@end': { code: 'UNAVAILABLE' } }]);
});
