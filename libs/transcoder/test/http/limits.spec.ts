import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { secretsOf, withoutSecret } from '../../src/request/secret-parameter.ts';
import { securityHeaders } from '../../src/http/security-headers.ts';
import { sendRaw } from '../raw-http.ts';
import { ask, openRequest, type Rest, seen, startRest, until } from '../shelf.ts';

const limits = { maxUrlBytes: 100, maxHeaderBytes: 300, maxHeaders: 10, headersTimeoutMs: 50 };
let rest: Rest;
beforeAll(async () => {
  rest = await startRest({ maxBodyBytes: 1000, bodyTimeoutMs: 50, adapter: { limits } });
});
afterAll(() => rest[Symbol.asyncDispose]());

const book = '/v1/shelves/1/books/';
/** A path of so many bytes. */
const pathOf = (length: number): string => book + 'x'.repeat(length - book.length);
/** A request whose target, names and values have so many bytes. */
const requestOf = (length: number): string => {
  const others = `${book}2HostxConnectioncloseX`.length;
  return `GET ${book}2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: ${'x'.repeat(length - others)}\r\n\r\n`;
};
const headerLines = (count: number): string =>
  Array.from({ length: count - 2 }, (_, index) => `X${index}: 1\r\n`).join('') + 'Connection: close\r\n';

describe('a URL', () => {
  it('may be as long as the limit, and is answered 414 one byte beyond', async () => {
    expect((await ask(rest, pathOf(100))).status).toBe(200);
    const { status, json } = await ask(rest, pathOf(101));
    expect([status, json.reason, json.detail]).toEqual([414, 'URL_TOO_LONG', 'The URL is longer than 100 bytes.']);
  });

  it('counts with its query, and the secret in it', async () => {
    await using strict = await startRest({ adapter: { limits, secretParameter: 'key' } });
    const path = `${book}2?key=`;
    expect((await ask(strict, path + 'x'.repeat(100 - path.length))).status).toBe(200);
    expect((await ask(strict, path + 'x'.repeat(101 - path.length))).status).toBe(414);
  });

  it('that is longer than all headers may be is answered 414 too', async () => {
    const { status, json } = await sendRaw(rest, `GET ${pathOf(5000)} HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect([status, json.reason]).toEqual([414, 'URL_TOO_LONG']);
  });
});

describe('headers', () => {
  it('may be as large as the limit, and are answered 431 one byte beyond', async () => {
    expect((await sendRaw(rest, requestOf(300))).status).toBe(200);
    const { status, headers, json } = await sendRaw(rest, requestOf(301));
    expect([status, headers['content-type'], json.reason]).toEqual([
      431,
      'application/problem+json',
      'HEADERS_TOO_LARGE',
    ]);
  });

  it('may be as many as the limit, and are answered 431 with one more', async () => {
    expect((await sendRaw(rest, `GET ${book}2 HTTP/1.1\r\nHost: x\r\n${headerLines(10)}\r\n`)).status).toBe(200);
    const { status, json } = await sendRaw(rest, `GET ${book}2 HTTP/1.1\r\nHost: x\r\n${headerLines(11)}\r\n`);
    expect([status, json.detail]).toEqual([431, 'There are more than 10 headers.']);
  });

  it('are never more than the parser takes', async () => {
    const large = { maxHeaderBytes: 100_000, maxHeaders: 1000 };
    await using many = await startRest({ adapter: { limits: large } });
    expect((await sendRaw(many, `GET ${book}2 HTTP/1.1\r\nHost: x\r\n${headerLines(1000)}\r\n`)).status).toBe(200);
    expect((await sendRaw(many, `GET ${book}2 HTTP/1.1\r\nHost: x\r\n${headerLines(1001)}\r\n`)).status).toBe(431);
  });

  it.each([
    ['no Host', ''],
    ['two Hosts', 'Host: x\r\nhost: y\r\n'],
  ])('with %s are refused as a problem', async (_, hosts) => {
    const { status, json } = await sendRaw(rest, `GET ${book}2 HTTP/1.1\r\n${hosts}Connection: close\r\n\r\n`);
    expect([status, json.detail]).toEqual([400, 'A request has one Host header.']);
  });

  it('that do not arrive in time are answered 408, and the connection is closed', async () => {
    const { status, json } = await sendRaw(rest, `GET ${book}2 HTTP/1.1\r\nHost: x\r\nX-Slow`);
    expect([status, json.reason]).toEqual([408, 'REQUEST_TOO_SLOW']);
  });
});

describe('a body', () => {
  it('may be as large as the limit, and is answered 413 one byte beyond, announced or not', async () => {
    const post = { verb: 'POST', headers: { 'content-type': 'application/json' } };
    const path = '/v1/shelves/1/books';
    const body = JSON.stringify({ name: 'n' }).padEnd(1000, ' ');
    expect((await ask(rest, path, { ...post, body })).status).toBe(201);
    expect((await ask(rest, path, { ...post, body: `${body} ` })).status).toBe(413);
    const chunked = { ...post, headers: { ...post.headers, 'transfer-encoding': 'chunked' } };
    expect((await ask(rest, path, { ...chunked, body })).status).toBe(201);
    const { status, json: problem } = await ask(rest, path, { ...chunked, body: `${body} ` });
    expect([status, problem.reason]).toEqual([413, 'REQUEST_TOO_LARGE']);
  });

  it('that does not arrive in time is answered 408, while a stream takes its time', async () => {
    seen.counted.length = 0;
    const upload = openRequest(rest, '/v1/shelves/1/books:count', {
      verb: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
    });
    upload.write('{"name":"before"}\n');
    await until(() => seen.counted.length === 1);

    const head = 'POST /v1/shelves/1/books HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{';
    const slow = await sendRaw(rest, head);
    expect([slow.status, slow.json.reason]).toEqual([408, 'REQUEST_TOO_SLOW']);

    upload.end('{"name":"after"}\n');
    const [response] = await once(upload, 'response');
    response.resume();
    expect([response.statusCode, seen.counted]).toEqual([200, ['before', 'after']]);
  });

  it('that nobody reads does not hold the connection', async () => {
    const head = `GET ${book}2 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n`;
    const socket = connect(rest.socketPath, () => socket.write(head));
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect(first.toString()).toContain('HTTP/1.1 200 OK');
    await once(socket, 'close');
  });
});

describe('every answer', () => {
  const expected = Object.entries(securityHeaders);
  it.each([
    ['a message', `GET ${book}2 HTTP/1.1\r\nHost: x`, 200],
    ['304', `GET ${book}2 HTTP/1.1\r\nHost: x\r\nIf-None-Match: *`, 304],
    ['a stream', 'GET /v1/books:stream?count=2 HTTP/1.1\r\nHost: x', 200],
    ['a problem', `GET ${book}missing HTTP/1.1\r\nHost: x`, 404],
    ['a failure of the server', `GET ${book}broken HTTP/1.1\r\nHost: x`, 500],
    ['a path that nobody knows', 'GET /nowhere HTTP/1.1\r\nHost: x', 404],
    ['a verb that is not taken', `DELETE ${book}2 HTTP/1.1\r\nHost: x`, 405],
    ['a path that cannot be decoded', 'GET /v1/%ff HTTP/1.1\r\nHost: x', 400],
    ['a method that nobody knows', `PROPFIND ${book}2 HTTP/1.1\r\nHost: x`, 405],
    ['an expectation that is not met', `GET ${book}2 HTTP/1.1\r\nHost: x\r\nExpect: wonders`, 417],
    ['a request that is not HTTP', 'NONSENSE', 400],
    ['a URL that is too long', `GET ${pathOf(101)} HTTP/1.1\r\nHost: x`, 414],
    ['headers that are too large', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(400)}`, 431],
  ])('has the security headers: %s', async (_, head, status) => {
    const answer = await sendRaw(rest, `${head}\r\nConnection: close\r\n\r\n`);
    expect(answer.status).toBe(status);
    expect(expected.filter(([name, value]) => answer.headers[name] !== value)).toEqual([]);
  });

  it('may have more of them, by the request', async () => {
    await using own = await startRest({ adapter: { headersOf: ({ url }) => ({ 'x-for': url ?? '' }) } });
    expect((await ask(own, '/nowhere')).headers['x-for']).toBe('/nowhere');
  });
});

describe('the caller', () => {
  it('is told by the Authorization header, unless the app knows more', async () => {
    seen.contexts.length = 0;
    await ask(rest, `${book}2`, { headers: { authorization: 'Bearer mine' } });
    await ask(rest, `${book}2`);
    await using own = await startRest({
      adapter: { secretParameter: 'key' },
      requestMetadata: ({ headers }) => ({ authorization: `Bearer ${headers.cookie}`, 'x-forwarded-for': '192.0.2.1' }),
    });
    await ask(own, `${book}2`, { headers: { cookie: 'sweet\xff' } });
    expect(
      seen.contexts.map(({ metadata }) => [metadata.get('authorization'), metadata.get('x-forwarded-for')]),
    ).toEqual([
      [['Bearer mine'], []],
      [[], []],
      [['Bearer sweet?'], ['192.0.2.1']],
    ]);
  });

  it('may send headers that metadata cannot hold', async () => {
    expect((await ask(rest, `${book}2`, { headers: { traceparent: '\xe9', authorization: '\xe9' } })).status).toBe(200);
  });
});

describe('a secret parameter', () => {
  const secret = 'canary-7f3a';
  const lines: string[] = [];
  const remember = (...parts: unknown[]): void => void lines.push(JSON.stringify(parts));
  const logger = { log: remember, error: remember, warn: remember };

  it.each([
    ['a=1&key=canary-7f3a', ['canary-7f3a']],
    ['k%65y=canary%2D7f3a', ['canary-7f3a']],
    ['key=canary-7f3a&key', ['canary-7f3a', '']],
    ['keys=canary-7f3a&a%ff=1', []],
  ])('is found in ?%s and nowhere else', (query, values) => {
    const request = { url: `/path?${query}` };
    const left = withoutSecret(request, 'key');
    expect(secretsOf(request)).toEqual(values);
    expect(left.includes(secret)).toBe(values.length === 0);
  });

  it('binds no field, and stands in no link, no answer and no log', async () => {
    await using own = await startRest({
      adapter: { secretParameter: 'key' },
      logger,
      requestMetadata: ({ raw }) => ({ authorization: secretsOf(raw).join() }),
    });
    seen.contexts.length = 0;
    const page = await ask(own, `/v1/books?pageSize=2&key=${secret}`);
    expect(page.headers.link).toBe('</v1/books?pageSize=2&pageToken=a%2Fb%2Bc>; rel="next"');
    const answers = [page, await ask(own, `${book}broken?key=${secret}`), await ask(own, `${book}2?key=${secret}`)];
    expect(seen.contexts.at(-1)?.metadata.get('authorization')).toEqual([secret]);
    await own.stopService();
    answers.push(await ask(own, `${book}2?k%65y=${secret}`), await ask(own, `/nowhere?key=${secret}`));
    expect(answers.map(({ status }) => status)).toEqual([200, 500, 200, 503, 404]);
    expect(lines.filter((line) => line.includes(`GET ${book}`)).length).toBe(2);
    expect(JSON.stringify([answers, lines])).not.toContain(secret);
  });
});

it.each([
  ['nothing', ''],
  ['half a request', 'GET /v1/shelves/1/books/2 HTTP/1.1\r\nHost'],
])('a server that ends does not wait for a connection that has sent %s', async (_, sent) => {
  await using server = await startRest({ adapter: { limits: { headersTimeoutMs: 2 ** 31 - 1 } } });
  const silent = connect(server.socketPath);
  const closed = once(silent, 'close');
  await once(silent, 'connect');
  silent.write(sent);
  await ask(server, `${book}2`); // by now it has been accepted, too
  await server[Symbol.asyncDispose]();
  await expect(closed).resolves.toBeDefined();
});
