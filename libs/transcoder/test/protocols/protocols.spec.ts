import { status as Status } from '@grpc/grpc-js';
import { Code, ConnectError } from '@connectrpc/connect';
import { BadRequestSchema, ErrorInfoSchema } from '@rollcall/contract';
import { RpcError } from '@rollcall/grpc';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Rest, ask, seen, send, startRest, until } from '../shelf.ts';
import { foreignClient, type Way, ways } from './clients.ts';

let rest: Rest;
beforeAll(async () => {
  rest = await startRest({ errorDomain: 'testing.v1', maxBodyBytes: 100_000 });
});
afterAll(() => rest[Symbol.asyncDispose]());

const path = '/testing.v1.ShelfService';

async function failureOf(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error('the call did not fail');
}

async function* listed<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const received: T[] = [];
  for await (const item of items) received.push(item);
  return received;
}

const named = ({ protocol, httpVersion, json }: Way): string =>
  `${protocol} over HTTP/${httpVersion}${json === true ? ' in JSON' : ''}`;

describe.each(ways.map((way) => ({ way, name: named(way) })))('$name', ({ way }) => {
  it('makes a call with one request and one answer', async () => {
    using shelf = foreignClient(rest, way);
    expect(await shelf.client.getBook({ name: 'shelves/1/books/7' })).toMatchObject({
      name: 'shelves/1/books/7',
      etag: 'v1',
    });
  });

  it('tells an error with its code, its sentence and all its details', async () => {
    using shelf = foreignClient(rest, way);
    const error = await failureOf(shelf.client.getBook({ name: 'shelves/1/books/missing' }));
    expect(error).toMatchObject({ code: Code.NotFound, rawMessage: 'No book has this name.' });
    expect(error.findDetails(ErrorInfoSchema)).toMatchObject([
      { reason: 'USER_NOT_FOUND', domain: 'testing.v1', metadata: { name: 'shelves/1/books/missing' } },
    ]);
  });

  it('names the field that breaks a rule', async () => {
    using shelf = foreignClient(rest, way);
    const error = await failureOf(shelf.client.listBooks({ pageSize: -1 }));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.findDetails(BadRequestSchema)[0]?.fieldViolations).toMatchObject([{ field: 'page_size' }]);
  });

  it('never tells what an unknown error says', async () => {
    using shelf = foreignClient(rest, way);
    const error = await failureOf(shelf.client.getBook({ name: 'shelves/1/books/broken' }));
    expect(error.code).toBe(Code.Internal);
    expect(error.message).not.toContain('password');
  });

  it('gives a service the metadata of the call, and its deadline', async () => {
    using shelf = foreignClient(rest, way);
    const headers = { 'x-tenant': 'acme', 'x-bytes-bin': 'AAEC', cookie: 'secret=1', 'x-forwarded-for': '9.9.9.9' };
    await shelf.client.getBook({ name: 'shelves/1/books/8' }, { headers, timeoutMs: 5000 });
    const context = seen.contexts.at(-1);
    expect(context?.metadata.get('x-tenant')).toEqual(['acme']);
    expect(context?.metadata.get('x-bytes-bin')).toEqual([Buffer.from([0, 1, 2])]);
    expect(context?.metadata.getMap()).not.toHaveProperty('cookie');
    expect(context?.metadata.getMap()).not.toHaveProperty('x-forwarded-for');
    const left = (context?.deadline ?? 0) - Date.now();
    expect(left).toBeGreaterThan(1000);
    expect(left).toBeLessThan(5000);
  });

  it('ends a call at its deadline', async () => {
    using shelf = foreignClient(rest, way);
    const error = await failureOf(shelf.client.getBook({ name: 'shelves/1/books/slow' }, { timeoutMs: 50 }));
    expect(error.code).toBe(Code.DeadlineExceeded);
  });

  it('cancels the handler when the caller goes away', async () => {
    using shelf = foreignClient(rest, way);
    const before = seen.contexts.length;
    seen.cancelled = [];
    const abort = new AbortController();
    const call = failureOf(shelf.client.getBook({ name: 'shelves/1/books/slow' }, { signal: abort.signal }));
    await until(() => seen.contexts.length > before);
    abort.abort();
    expect((await call).code).toBe(Code.Canceled);
    await until(() => seen.cancelled.includes('getBook'));
  });

  it('answers a stream of messages, and an error behind them', async () => {
    using shelf = foreignClient(rest, way);
    expect(await all(shelf.client.streamBooks({ count: 3 }))).toMatchObject(
      ['1', '2', '3'].map((number) => ({ books: [{ number }] })),
    );
    const received: unknown[] = [];
    const error = await failureOf(
      (async () => {
        for await (const message of shelf.client.streamBooks({ count: 5, failAfter: 2 })) received.push(message);
      })(),
    );
    expect(received).toHaveLength(2);
    expect(error).toMatchObject({ code: Code.Unavailable, rawMessage: 'Gone.' });
  });

  it('stops the source while the caller does not read, and closes it when the caller leaves', async () => {
    using shelf = foreignClient(rest, way);
    for await (const message of shelf.client.streamBooks({ count: 1_000_000, perMessage: 100 })) {
      expect(message.books).toHaveLength(100);
      let emitted = -1;
      while (emitted !== seen.emitted) {
        emitted = seen.emitted;
        await new Promise((resolve) => setTimeout(resolve, 50)); // two looks that see the same
      }
      expect(emitted).toBeLessThan(500_000);
      break;
    }
    await until(() => seen.closed === 1);
  });

  it('takes a stream of messages', async () => {
    using shelf = foreignClient(rest, way);
    const requests = listed({ shelf: 'a', name: '1' }, { shelf: 'b', name: '2' }, { shelf: 'c', name: '3' });
    expect(await shelf.client.countBooks(requests)).toMatchObject({ count: 3n, shelves: ['a', 'b', 'c'] });
  });

  it('never lets a stream of requests look whole that broke off', async () => {
    using shelf = foreignClient(rest, way);
    seen.cancelled = [];
    const abort = new AbortController();
    const requests = (async function* () {
      yield { shelf: 'a', name: 'cut' };
      await until(() => seen.counted.includes('cut'));
      abort.abort();
      await new Promise(() => undefined);
    })();
    await failureOf(shelf.client.countBooks(requests, { signal: abort.signal }));
    await until(() => seen.cancelled.length > 0);
    expect(seen.cancelled).toMatchObject([{ code: Status.CANCELLED }]);
  });

  it('refuses a message of a stream that breaks a rule, and does not count the rest', async () => {
    using shelf = foreignClient(rest, way);
    const error = await failureOf(shelf.client.countBooks(listed({ shelf: 'a' }, { name: 'longer than ten' })));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.findDetails(BadRequestSchema)[0]?.fieldViolations).toMatchObject([{ field: 'name' }]);
  });

  it.runIf(way.httpVersion === '2')('answers while requests still come', async () => {
    using shelf = foreignClient(rest, way);
    const heard = { a: Promise.withResolvers<void>(), b: Promise.withResolvers<void>() };
    const requests = (async function* () {
      yield { shelf: 'a', name: '1' };
      await heard.a.promise;
      yield { shelf: 'b', name: '2' };
      await heard.b.promise;
    })();
    const received: string[] = [];
    for await (const { name } of shelf.client.talkBooks(requests)) {
      received.push(name);
      (name === 'a1' ? heard.a : heard.b).resolve();
    }
    expect(received).toEqual(['a1', 'b2']);
  });

  it('bounds a message, also one that is small until it is decompressed', async () => {
    using shelf = foreignClient(rest, way);
    const book = { name: 'x'.repeat(200_000) };
    expect((await failureOf(shelf.client.unruled({ book }))).code).toBe(Code.ResourceExhausted);
  });

  it('has a method without an HTTP rule as well', async () => {
    using shelf = foreignClient(rest, way);
    expect(await shelf.client.unruled({ pageNumbers: [9007199254740993n] })).toMatchObject({
      pageNumbers: [9007199254740993n],
    });
  });
});

describe('a gateway that asks first', () => {
  it.each(ways.map((way) => ({ way, name: named(way) })))('refuses over $name before it reads', async ({ way }) => {
    await using asking = await startRest({
      admit: () => Promise.reject(new RpcError(Status.PERMISSION_DENIED, 'NOT_PERMITTED', 'Not you.')),
    });
    using shelf = foreignClient(asking, way);
    const requests = (async function* () {
      yield { shelf: 'a', name: '1' };
      await new Promise(() => undefined);
    })();
    const error = await failureOf(shelf.client.countBooks(requests));
    expect(error).toMatchObject({ code: Code.PermissionDenied, rawMessage: 'Not you.' });
  });
});

describe('streams under way when the server ends', () => {
  it.each(ways.map((way) => ({ way, name: named(way) })))('end with UNAVAILABLE over $name', async ({ way }) => {
    const ending = await startRest({ drainMs: 2000 });
    using shelf = foreignClient(ending, way);
    let ended: PromiseLike<void> | undefined;
    const error = await failureOf(
      (async () => {
        for await (const _ of shelf.client.streamBooks({ count: 10_000_000 })) ended ??= ending[Symbol.asyncDispose]();
      })(),
    );
    expect(error.code).toBe(Code.Unavailable);
    await ended;
  });
});

describe('Connect', () => {
  it('reads by GET what changes nothing, with the message in the URL', async () => {
    using shelf = foreignClient(rest, { protocol: 'Connect', httpVersion: '1.1' }, { useHttpGet: true });
    expect(await shelf.client.getBook({ name: 'shelves/2/books/1' })).toMatchObject({ name: 'shelves/2/books/1' });
    const query = new URLSearchParams({ connect: 'v1', encoding: 'json', message: '{"name":"shelves/2/books/3"}' });
    expect(await ask(rest, `${path}/GetBook?${query}`)).toMatchObject({
      status: 200,
      json: { name: 'shelves/2/books/3' },
    });
  });

  it('takes no GET for what changes something, and says what it takes', async () => {
    const answer = await ask(rest, `${path}/CreateBook?connect=v1&encoding=json&message=%7B%7D`);
    expect(answer).toMatchObject({ status: 405, headers: { allow: 'POST' } });
  });

  it('says which types a method takes', async () => {
    const answer = await send(rest, 'POST', `${path}/GetBook`, {}, { 'content-type': 'text/plain' });
    expect(answer).toMatchObject({ status: 415, json: { reason: 'UNSUPPORTED_MEDIA_TYPE' } });
    expect(answer.headers['accept-post']).toContain('application/proto');
    expect(answer.headers['accept-post']).not.toContain('application/connect+proto');
  });

  it('reads JSON as REST does, and refuses the same', async () => {
    const rpc = await send(rest, 'POST', `${path}/CreateBook`, { parent: 'shelves/1', unknown: 1 });
    const http = await send(rest, 'POST', '/v1/shelves/1/books', { unknown: 1 });
    expect(rpc).toMatchObject({ status: 400, json: { code: 'invalid_argument' } });
    expect(http.json.fieldViolations).toMatchObject([{ field: 'book.unknown' }]);
    expect(rpc.json.message).toContain('unknown');
  });

  it('refuses a timeout that cannot be read, by its name', async () => {
    const answer = await send(rest, 'POST', `${path}/GetBook`, {}, { 'connect-timeout-ms': '1s' });
    expect(answer).toMatchObject({ status: 400, json: { message: expect.stringContaining('Connect-Timeout-Ms') } });
  });

  it('refuses a compression that it does not know, and says which it does', async () => {
    const answer = await send(rest, 'POST', `${path}/GetBook`, {}, { 'content-encoding': 'br' });
    expect(answer).toMatchObject({
      status: 501,
      json: { code: 'unimplemented', message: expect.stringContaining('gzip') },
    });
  });
});

describe('gRPC-Web in text', () => {
  it('takes and gives base64', async () => {
    const message = Buffer.concat([Buffer.from([0, 0, 0, 0, 19, 10, 17]), Buffer.from('shelves/1/books/7')]);
    const answer = await ask(rest, `${path}/GetBook`, {
      verb: 'POST',
      headers: { 'content-type': 'application/grpc-web-text' },
      body: message.toString('base64'),
    });
    expect(answer.headers['content-type']).toBe('application/grpc-web-text+proto');
    const bytes = Buffer.concat((answer.text.match(/[^=]+=*/g) ?? []).map((part) => Buffer.from(part, 'base64')));
    expect(bytes.toString('latin1')).toContain('shelves/1/books/7');
    expect(bytes.toString('latin1')).toMatch(/grpc-status: 0\r\n$/);
  });

  it('refuses what is no base64', async () => {
    const answer = await ask(rest, `${path}/GetBook`, {
      verb: 'POST',
      headers: { 'content-type': 'application/grpc-web-text' },
      body: 'AAA*',
    });
    expect(Buffer.from(answer.text, 'base64').toString()).toContain('grpc-status: 3');
  });
});

it('says that gRPC needs HTTP/2 to who speaks it over HTTP/1.1', async () => {
  const answer = await ask(rest, `${path}/GetBook`, { verb: 'POST', headers: { 'content-type': 'application/grpc' } });
  expect(answer.headers).toMatchObject({ 'grpc-status': '12', 'grpc-message': expect.stringContaining('HTTP/2') });
});

it('tells a client of gRPC about a method that is not there in its own words', async () => {
  const headers = { 'content-type': 'application/grpc-web' };
  const answer = await ask(rest, '/testing.v1.ShelfService/Nothing', { verb: 'POST', headers });
  expect(answer.status).toBe(200);
  expect(answer.text).toContain('grpc-status: 12');
  const json = await send(rest, 'POST', '/testing.v1.ShelfService/Nothing', {});
  expect(json).toMatchObject({ status: 404, json: { reason: 'UNKNOWN_METHOD' } });
});
