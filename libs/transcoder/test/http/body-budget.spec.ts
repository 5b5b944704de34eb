import { once } from 'node:events';
import { type ClientRequest, IncomingMessage } from 'node:http';
import { connect, Socket } from 'node:net';
import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';
import { expect, it } from 'vitest';
import { BodyBudget } from '../../src/http/body-budget.ts';
import { readBody } from '../../src/request/body.ts';
import { ask, openRequest, type Rest, seen, send, startRest } from '../shelf.ts';

const path = '/v1/shelves/1/books';
const json = { 'content-type': 'application/json' };

/** A request with half of a body, whose owner is named by a header. */
async function halfSent(rest: Rest, owner: string, bytes: number): Promise<ClientRequest> {
  const request = openRequest(rest, path, {
    verb: 'POST',
    headers: { ...json, 'x-owner': owner, 'content-length': '100000' },
  });
  request.on('error', () => undefined); // it is cut off in the end
  await new Promise((resolve) => request.write('{"name":"'.padEnd(bytes, 'x'), resolve));
  return request;
}

async function problemOf(request: ClientRequest): Promise<{ status: number; retryAfter: string | undefined }> {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  return { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] };
}

const startBounded = (): Promise<Rest> =>
  startRest({
    maxBodyBytes: 100_000,
    bodyTimeoutMs: 60_000,
    maxBodiesBytes: 40_000,
    maxCallerBodiesBytes: 16_000,
    bodyOwner: ({ headers }) => ({ key: String(headers['x-owner']), known: headers['x-owner'] !== 'nobody' }),
  });

it('bounds what the bodies of a caller take together, and takes the next one when they are gone', async () => {
  await using rest = await startBounded();
  const first = await halfSent(rest, 'ada', 10_000);
  const second = await halfSent(rest, 'ada', 10_000);
  const outcome = Promise.race([first, second].map(problemOf));
  expect(await outcome).toEqual({ status: 429, retryAfter: '1' });
  expect((await send(rest, 'POST', path, { name: 'small' }, { 'x-owner': 'ben' })).status).toBe(201);
  first.destroy();
  second.destroy();
  await expect
    .poll(async () => (await send(rest, 'POST', path, { name: 'x'.repeat(15_000) }, { 'x-owner': 'ada' })).status)
    .toBe(201);
});

it('bounds what all bodies take together, and what those take together who are nobody', async () => {
  await using rest = await startBounded();
  const held = [await halfSent(rest, 'ada', 14_000), await halfSent(rest, 'ben', 14_000)];
  const nobody = await halfSent(rest, 'nobody', 5000);
  expect(await problemOf(nobody)).toEqual({ status: 429, retryAfter: '1' });
  const third = await halfSent(rest, 'cleo', 14_000);
  expect(await Promise.race([...held, third].map(problemOf))).toEqual({ status: 503, retryAfter: '1' });
  for (const request of [...held, nobody, third]) request.destroy();
});

it('counts of a request stream what waits, not all that came', async () => {
  await using rest = await startBounded();
  const body = Array.from({ length: 2000 }, (_, index) => `{"name":"${index}"}`.padEnd(20)).join('\n');
  const headers = { 'content-type': 'application/x-ndjson', 'x-owner': 'ada' };
  const { status } = await ask(rest, '/v1/shelves/1/books:count', { verb: 'POST', headers, body });
  expect([status, seen.counted.length]).toEqual([200, 2000]);
  const endless = openRequest(rest, '/v1/shelves/1/books:count', { verb: 'POST', headers });
  endless.on('error', () => undefined);
  endless.write('{"name":"'.padEnd(20_000, 'x'));
  expect((await problemOf(endless)).status).toBe(429);
});

it('reads no byte of a body that is not admitted, whatever the call, and asks for none', async () => {
  const asked: string[] = [];
  let permitted = false;
  await using rest = await startRest({
    admit: (_, { name }) => {
      asked.push(name);
      if (permitted) return undefined;
      return Promise.reject(new RpcError(Status.UNAUTHENTICATED, 'SIGN_IN_REQUIRED', 'Sign in.'));
    },
  });
  seen.counted.length = 0;
  const first = async (head: string): Promise<string> => {
    const lines = [`${head} HTTP/1.1`, 'Host: x', 'Transfer-Encoding: chunked', 'Expect: 100-continue', '', ''];
    const socket: Socket = connect(rest.socketPath, () => socket.write(lines.join('\r\n')));
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return chunk.toString().split('\r\n', 1)[0] ?? '';
  };
  expect(await first(`POST ${path}`)).toBe('HTTP/1.1 401 Unauthorized');
  expect(await first(`POST ${path}:count`)).toBe('HTTP/1.1 401 Unauthorized');
  expect((await ask(rest, `${path}/2`)).status).toBe(200);
  expect(asked).toEqual(['CreateBook', 'CountBooks']);
  permitted = true;
  expect(await first(`POST ${path}`)).toBe('HTTP/1.1 100 Continue');
  expect(await first(`POST ${path}:count`)).toBe('HTTP/1.1 100 Continue');
});

it('takes smaller bodies of those of whom the app says so', async () => {
  await using rest = await startRest({ bodyOwner: () => ({ key: 'x', known: false, maxBytes: 100 }) });
  expect((await send(rest, 'POST', path, { name: 'x'.repeat(50) })).status).not.toBe(413);
  const { status, json: problem } = await send(rest, 'POST', path, { name: 'x'.repeat(100) });
  expect([status, problem.detail]).toEqual([413, 'The body is larger than 100 bytes.']);
  const headers = { ...json, 'transfer-encoding': 'chunked' };
  expect((await ask(rest, path, { verb: 'POST', headers, body: ' '.repeat(101) })).status).toBe(413);
  expect((await ask(rest, `${path}:count`, { verb: 'POST', headers, body: '['.repeat(200) })).status).toBe(413);
});

it('lets the time of a body begin with its headers', async () => {
  const request = new IncomingMessage(new Socket());
  const limits = { maxBodiesBytes: 100, maxCallerBodiesBytes: 100 };
  new BodyBudget(limits).enter(request, { key: 'x', known: true }, performance.now() - 3_600_000);
  await expect(readBody(request, { maxBodyBytes: 100, bodyTimeoutMs: 3_600_000 })).rejects.toMatchObject({
    reason: 'REQUEST_TOO_SLOW',
  });
});

it('cuts a body whose time ends, however long it took to admit it', async () => {
  const { promise: asked, resolve: admit } = Promise.withResolvers<void>();
  await using rest = await startRest({ bodyTimeoutMs: 100, admit: () => asked });
  const request = openRequest(rest, path, { verb: 'POST', headers: { ...json, 'content-length': '10' } });
  request.flushHeaders();
  admit();
  expect((await problemOf(request)).status).toBe(408);
});

/** Opens a connection; one beyond a bound is closed at once. */
async function openConnection({ socketPath }: Rest): Promise<Socket> {
  const socket = connect(socketPath);
  socket.on('error', () => undefined); // it may be reset
  await once(socket, 'connect');
  return socket;
}

/** Whether a connection gets an answer, and not its end. */
function isServed(socket: Socket): Promise<boolean> {
  socket.write(`GET ${path}/2 HTTP/1.1\r\nHost: x\r\n\r\n`);
  return new Promise((resolve) => {
    socket.once('data', () => resolve(true));
    socket.once('close', () => resolve(false));
  });
}

it('takes as many connections as it may, closes the next one without an answer, and takes another when one has ended', async () => {
  await using rest = await startRest({ adapter: { limits: { maxConnections: 3 } } });
  const sockets = [await openConnection(rest), await openConnection(rest), await openConnection(rest)];
  for (const socket of sockets) expect(await isServed(socket)).toBe(true);
  const beyond = await openConnection(rest);
  expect([await isServed(beyond), beyond.bytesRead]).toEqual([false, 0]);
  for (const socket of sockets) expect(await isServed(socket)).toBe(true);
  sockets[0]?.destroy();
  await expect.poll(async () => isServed(await openConnection(rest))).toBe(true);
});

it('closes the connections of an address beyond its bound, and lets others in', async () => {
  let address: string | undefined = '192.0.2.1';
  const limits = { maxAddressConnections: 3 };
  await using rest = await startRest({ adapter: { limits, connectionOf: () => address } });
  const sockets = [await openConnection(rest), await openConnection(rest), await openConnection(rest)];
  for (const socket of sockets) expect(await isServed(socket)).toBe(true);
  expect(await isServed(await openConnection(rest))).toBe(false);
  address = '192.0.2.2';
  expect(await isServed(await openConnection(rest))).toBe(true);
  address = undefined;
  for (let n = 0; n < 4; n += 1) expect(await isServed(await openConnection(rest))).toBe(true);
  address = '192.0.2.1';
  sockets[0]?.destroy();
  await expect.poll(async () => isServed(await openConnection(rest))).toBe(true);
});
