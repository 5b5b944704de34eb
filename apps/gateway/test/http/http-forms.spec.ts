import 'reflect-metadata';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAccess } from '../sessions/access-server.ts';
import { type Gateway, startGateway } from '../start-gateway.ts';

const app = 'https://app.example.com';
let access: Awaited<ReturnType<typeof startAccess>>;
let gateway: Gateway;
beforeAll(async () => {
  access = await startAccess();
  gateway = await startGateway({ USER_TARGET: access.target, LOCAL_SIGN_IN: '1', CORS_ORIGINS: app });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await access[Symbol.asyncDispose]();
});

interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends the lines of a head as they are, and reads until the server closes the connection. */
function sendLines(to: Gateway, ...lines: string[]): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(to.socketPath, () =>
      socket.write(`${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n`, 'latin1'),
    );
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('error', reject);
    socket.on('close', () => {
      const [head = '', body = ''] = answer.split('\r\n\r\n');
      const [line = '', ...rest] = head.split('\r\n');
      const headers = rest.map((each) => [each.split(':')[0]?.toLowerCase(), each.replace(/^[^:]*:\s*/, '')]);
      resolve({ status: Number(line.split(' ')[1] ?? 0), headers: Object.fromEntries(headers), body });
    });
  });
}

const commonHeaders = ['content-security-policy', 'x-content-type-options', 'cache-control', 'referrer-policy'];

describe('every answer has the common headers, a request id, CORS and a problem document', () => {
  it.each<[what: string, status: number, lines: string[]]>([
    ['a path that cannot be decoded', 400, ['GET /healthz%g1 HTTP/1.1', 'Host: x']],
    ['a path that ends in half an escape', 400, ['GET /v1/users/%2 HTTP/1.1', 'Host: x']],
    ['a path that is a percent sign', 400, ['GET /% HTTP/1.1', 'Host: x']],
    ['an escape that is no hex', 400, ['GET /a%2z HTTP/1.1', 'Host: x']],
    ['bytes that are not UTF-8', 400, ['GET /healthz%ff HTTP/1.1', 'Host: x']],
    ['a fragment', 400, ['GET /healthz#x HTTP/1.1', 'Host: x']],
    ['a target that is no path', 400, ['GET healthz HTTP/1.1', 'Host: x']],
    ['a target of another scheme', 400, ['GET ftp://x/healthz HTTP/1.1', 'Host: x']],
    ['a target with a user', 400, ['GET http://me@x/healthz HTTP/1.1', 'Host: x']],
    ['a target without a host', 400, ['GET http:///healthz HTTP/1.1', 'Host: x']],
    ['an asterisk that is read', 400, ['GET * HTTP/1.1', 'Host: x']],
    ['two Hosts', 400, ['GET /healthz HTTP/1.1', 'Host: x', 'Host: y']],
    ['a URL that is too long', 414, [`GET /${'x'.repeat(9000)} HTTP/1.1`, 'Host: x']],
    ['101 headers', 431, ['GET / HTTP/1.1', 'Host: x', ...Array.from({ length: 100 }, (_, at) => `X-${at}: 1`)]],
    ['17 kB of headers', 431, ['GET / HTTP/1.1', 'Host: x', `X: ${'x'.repeat(17_000)}`]],
    ['an expectation', 417, ['GET /healthz HTTP/1.1', 'Host: x', 'Expect: wonders']],
    ['another version of HTTP', 505, ['GET /healthz HTTP/2.0', 'Host: x']],
    ['a transfer coding', 501, ['POST /v1/users HTTP/1.1', 'Host: x', 'Transfer-Encoding: gzip, chunked']],
    ['chunks of chunks', 400, ['POST /v1/users HTTP/1.1', 'Host: x', 'Transfer-Encoding: chunked, chunked']],
    ['what the parser refuses', 400, ['GET / HTTP/1.1', 'Host: x', 'Content-Length: 1', 'Content-Length: 2']],
    ['a method that nobody knows', 400, ['BREW / HTTP/1.1', 'Host: x']],
    ['a method that is known elsewhere', 405, ['QUERY /v1/users HTTP/1.1', 'Host: x']],
    ['a method that is known elsewhere, of a file', 405, ['PROPFIND /docs/ HTTP/1.1', 'Host: x']],
    ['a tunnel', 405, ['CONNECT x:443 HTTP/1.1', 'Host: x:443']],
    ['a verb of a file', 405, ['PUT /healthz HTTP/1.1', 'Host: x']],
    ['nothing', 404, ['GET /nowhere HTTP/1.1', 'Host: x']],
    ['what the service does not offer', 501, ['GET /v1/users/1 HTTP/1.1', 'Host: x']],
  ])('%s: %i', async (_, status, [line = '', ...lines]) => {
    const { headers, body, ...answer } = await sendLines(gateway, line, `Origin: ${app}`, ...lines);
    expect(answer.status).toBe(status);
    expect(commonHeaders.filter((name) => headers[name] === undefined)).toEqual([]);
    expect(headers['content-type']).toBe('application/problem+json');
    expect(JSON.parse(body)).toMatchObject({ status, requestId: headers['x-request-id'] });
    expect([headers['access-control-allow-origin'], headers['vary']]).toEqual([app, 'Origin']);
    expect(headers['access-control-expose-headers']).toContain('x-request-id');
    expect('allow' in headers).toBe(status === 405);
  });

  it('and lets no other origin read those', async () => {
    for (const line of ['GET /% HTTP/1.1', 'BREW / HTTP/1.1', 'CONNECT x:1 HTTP/1.1']) {
      const { headers } = await sendLines(gateway, line, 'Host: x', 'Origin: https://evil.example.com');
      expect(headers['access-control-allow-origin'], line).toBeUndefined();
    }
  });

  it('and the request id that the caller gave', async () => {
    for (const line of ['GET /% HTTP/1.1', 'GET /healthz HTTP/3.0', 'BREW / HTTP/1.1', 'CONNECT x:1 HTTP/1.1']) {
      const { headers } = await sendLines(gateway, line, 'Host: x', 'X-Request-Id: mine-1');
      expect(headers['x-request-id'], line).toBe('mine-1');
    }
  });
});

describe('a verb that a path does not take is answered 405 with Allow', () => {
  it.each([
    ['PUT', '/healthz', 'GET, HEAD'],
    ['POST', '/openapi.json', 'GET, HEAD'],
    ['DELETE', '/', 'GET, HEAD'],
    ['PATCH', '/docs/docs.js', 'GET, HEAD'],
    ['POST', '/assets/x.js', 'GET, HEAD'],
    ['GET', '/session', 'DELETE, POST'],
    ['PUT', '/v1/users', 'GET, HEAD, POST'],
    ['DELETE', '/v1/users:export', 'GET, HEAD'],
    ['PATCH', '/v1/users/1:undelete', 'POST'],
    ['GET', '/v1/users/1:undelete', 'POST'],
    ['QUERY', '/v1/users/1', 'DELETE, GET, HEAD, PATCH'],
    ['TRACE', '/healthz', 'GET, HEAD'],
  ])('%s %s', async (verb, path, allow) => {
    const { status, headers } = await gateway.get(path, {}, verb);
    expect([status, headers['allow']]).toEqual([405, allow]);
  });

  it('also OPTIONS, unless a browser asks by it what it may', async () => {
    await using closed = await startGateway({ LOCAL_SIGN_IN: '1' });
    for (const each of [closed, gateway]) {
      for (const path of ['/openapi.json', '/healthz']) {
        const { status, headers } = await each.get(path, { origin: app }, 'OPTIONS');
        expect([status, headers['allow']], path).toEqual([405, 'GET, HEAD']);
      }
    }
    const preflight = { origin: app, 'access-control-request-method': 'GET' };
    const { status, headers } = await gateway.get('/openapi.json', preflight, 'OPTIONS');
    expect([status, headers['access-control-allow-origin']]).toEqual([204, app]);
    expect(headers['x-request-id']).toMatch(/^[\w-]{36}$/);
  });
});

describe('a target with a host', () => {
  it.each(['/healthz', '/v1/caller', '/docs/', '/', '/openapi.json', '/v1/caller?'])('leads to %s', async (path) => {
    const plain = await gateway.get(path);
    const absolute = await gateway.get(`http://gateway.example.com${path}`);
    expect([absolute.status, absolute.headers['etag']]).toEqual([plain.status, plain.headers['etag']]);
    expect(absolute.status).not.toBe(404);
  });

  it('may be written in capitals, with a port and without a path', async () => {
    for (const target of ['HTTP://GATEWAY:3000/healthz', 'https://gateway/healthz', 'http://[::1]:3000/healthz'])
      expect((await gateway.get(target)).status, target).toBe(200);
    expect((await gateway.get('http://gateway')).headers['content-type']).toContain('text/html');
    expect((await gateway.get('http://gateway?x=/healthz')).headers['content-type']).toContain('text/html');
  });

  it('counts over the Host header where the host matters', async () => {
    await using local = await startGateway();
    const foreign = await local.get('http://evil.example.com/healthz', { host: 'localhost' });
    expect([foreign.status, foreign.json.reason]).toEqual([403, 'FOREIGN_ORIGIN']);
    expect((await local.get('http://localhost/healthz', { host: 'evil.example.com' })).status).toBe(200);
  });
});

it('OPTIONS of an asterisk is answered for the server as a whole', async () => {
  const { status, headers } = await gateway.get('*', { origin: app }, 'OPTIONS');
  expect([status, headers['access-control-allow-origin']]).toEqual([204, app]);
});
