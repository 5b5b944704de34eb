import { once } from 'node:events';
import type { RequestListener, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { status as Status } from '@grpc/grpc-js';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, expect, type MockInstance, test, vi } from 'vitest';
import { type IssuerTimes, OidcIssuer, retryDelayMs } from '../../../src/access/oidc/issuer.ts';
import { RestartableServer } from './restartable-server.ts';

// An issuer whose answers are written here. What a real one answers, openid-provider.spec.ts has.

const configurationPath = '/.well-known/openid-configuration';
const unavailable = { code: Status.UNAVAILABLE, reason: 'UPSTREAM_UNAVAILABLE', details: { retryDelayMs: 1000 } };

let server: RestartableServer;
let elapsedMs: number;
let warn: MockInstance;
const issuers: OidcIssuer[] = [];

beforeEach(async () => {
  server = new RestartableServer();
  await server.start();
  elapsedMs = 0;
  warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
  vi.spyOn(Logger.prototype, 'log').mockReturnValue();
});

afterEach(async () => {
  for (const issuer of issuers.splice(0)) issuer.close();
  await server.stop();
  vi.restoreAllMocks();
});

function newIssuer(times: Partial<IssuerTimes> = {}): OidcIssuer {
  const issuer = new OidcIssuer(server.url, times, () => elapsedMs);
  issuers.push(issuer);
  return issuer;
}

function send(response: ServerResponse, body: unknown): void {
  response.end(JSON.stringify(body));
}

/** Answers with a configuration and with keys of these ids. */
function answering(kids: readonly string[], configuration: Record<string, unknown> = {}): RequestListener {
  return (request, response) => {
    if (request.url === configurationPath)
      send(response, { issuer: server.url, jwks_uri: `${server.url}/jwks`, ...configuration });
    else send(response, { keys: kids.map((kid) => ({ kty: 'OKP', kid })) });
  };
}

const keyRequests = (): number => server.asked.filter((path) => path === '/jwks').length;

test('has keys from the start', async () => {
  server.listener = answering(['one', 'two']);
  const issuer = newIssuer();
  issuer.start();
  const keys = await issuer.keysFor('one');
  expect([keys.has('one'), keys.has('two'), keys.has('three')]).toEqual([true, true, false]);
  expect(server.asked).toEqual([configurationPath, '/jwks']);
});

test('asks below an issuer that ends with a slash without doubling it', async () => {
  server.listener = answering(['one'], { issuer: `${server.url}/` });
  const issuer = new OidcIssuer(`${server.url}/`);
  issuers.push(issuer);
  expect((await issuer.keysFor('one')).has('one')).toBe(true);
  expect(server.asked[0]).toBe(configurationPath);
});

test('asks over a connection of its own, which nobody closes under its hands', async () => {
  const connections: unknown[] = [];
  const answer = answering(['one']);
  server.listener = (request, response) => {
    connections.push(request.headers.connection);
    answer(request, response);
  };
  await newIssuer().keysFor('one');
  expect(connections).toEqual(['close', 'close']);
});

test('takes a jwks_uri with a query', async () => {
  server.listener = answering(['one'], { jwks_uri: `${server.url}/jwks?p=1` });
  expect((await newIssuer().keysFor('one')).has('one')).toBe(true);
});

test.each([
  ['of another issuer', { issuer: 'https://other.example' }, 'names another issuer'],
  ['of the issuer with a slash', { issuer: 'http://127.0.0.1/' }, 'names another issuer'],
  ['of no issuer', { issuer: undefined }, 'names another issuer'],
  ['with no jwks_uri', { jwks_uri: undefined }, 'its jwks_uri is no https'],
  ['with a jwks_uri over http', { jwks_uri: 'http://id.example/jwks' }, 'its jwks_uri is no https'],
  ['with a jwks_uri in a file', { jwks_uri: 'file:///etc/passwd' }, 'its jwks_uri is no https'],
  ['with a jwks_uri that is no text', { jwks_uri: ['https://id.example/jwks'] }, 'its jwks_uri is no https'],
])('takes no keys by a configuration %s', async (_, configuration, why) => {
  server.listener = answering(['one'], configuration);
  await expect(newIssuer().keysFor('one')).rejects.toMatchObject(unavailable);
  expect(server.asked).toEqual([configurationPath]);
  expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining(why));
});

test.each<[string, (response: ServerResponse) => void]>([
  ['500', (response) => send(response.writeHead(500), { keys: [] })],
  ['a redirect to itself', (response) => response.writeHead(302, { location: '/keys' }).end()],
  ['no JSON', (response) => response.end('<html>')],
  ['no keys', (response) => send(response, {})],
  ['nothing', (response) => response.end()],
  ['half of it', (response) => response.writeHead(200, { 'content-length': 100 }).write('{', () => response.destroy())],
  ['too much', (response) => response.end(`{"keys":[]${' '.repeat(256 * 1024)}}`)],
  [
    'too much, compressed',
    (response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(`{"keys":[]${' '.repeat(2 ** 24)}}`)),
  ],
])('takes no keys from an issuer that answers %s', async (_, answer) => {
  const configured = answering([]);
  server.listener = (request, response) => {
    if (request.url === '/jwks') answer(response);
    else configured(request, response);
  };
  await expect(newIssuer().keysFor('one')).rejects.toMatchObject(unavailable);
  expect(server.asked).toEqual([configurationPath, '/jwks']);
});

test('gives up on an issuer that does not answer', async () => {
  server.listener = () => undefined;
  await expect(newIssuer({ timeoutMs: 20 }).keysFor('one')).rejects.toMatchObject(unavailable);
});

test('does not wait again for an issuer that has failed, and has keys once it is back', async () => {
  server.listener = (_, response) => void response.writeHead(500).end();
  const issuer = newIssuer({ retryMs: 1, maxRetryMs: 1, timeoutMs: 600_000 });
  issuer.start();
  await expect(issuer.keysFor('one')).rejects.toMatchObject({ reason: 'UPSTREAM_UNAVAILABLE' });
  server.listener = () => undefined; // and whoever waited now would wait for long
  await expect(issuer.keysFor('one')).rejects.toMatchObject({ reason: 'UPSTREAM_UNAVAILABLE' });
  expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('answered with the status 500'));
  await server.stop();
  server.listener = answering(['one']);
  await server.start();
  await vi.waitFor(() => expect(issuer.keys?.has('one')).toBe(true));
});

test('tries again ever later', () => {
  const times = { retryMs: 1000, maxRetryMs: 10_000 };
  expect([1, 2, 3, 4, 5, 6, 5000].map((failures) => retryDelayMs(failures, times))).toEqual([
    1000, 2000, 4000, 8000, 10_000, 10_000, 10_000,
  ]);
});

test('fetches in the background, and keeps the keys as they are while nothing changes', async () => {
  server.listener = answering(['one']);
  const issuer = newIssuer({ refreshMs: 1 });
  const keys = await issuer.keysFor('one');
  await vi.waitFor(() => expect(keyRequests()).toBeGreaterThan(3));
  expect(issuer.keys).toBe(keys);
  server.listener = answering(['two']);
  await vi.waitFor(() => expect(issuer.keys).not.toBe(keys));
  expect([issuer.keys?.has('one'), issuer.keys?.has('two')]).toEqual([false, true]);
});

test('fetches at once for a key that it does not know', async () => {
  server.listener = answering(['one']);
  const issuer = newIssuer();
  await issuer.keysFor('one');
  server.listener = answering(['two']);
  expect((await issuer.keysFor('two')).has('two')).toBe(true);
  expect(keyRequests()).toBe(2);
});

test('fetches once for many unknown keys at a time, and once in each cooldown', async () => {
  server.listener = answering(['one']);
  const issuer = newIssuer({ cooldownMs: 10_000 });
  await issuer.keysFor('one');
  const flood = () => Promise.all(Array.from({ length: 1000 }, (_, index) => issuer.keysFor(`unknown-${index}`)));
  await flood();
  expect(keyRequests()).toBe(2);
  await flood();
  elapsedMs = 9999;
  await flood();
  expect(keyRequests()).toBe(2);
  elapsedMs = 10_000;
  await flood();
  expect(keyRequests()).toBe(3);
});

test('does not fetch for a token that names no key, or one that is known', async () => {
  server.listener = answering(['one']);
  const issuer = newIssuer();
  await issuer.keysFor(undefined);
  await issuer.keysFor('one');
  expect(keyRequests()).toBe(1);
});

test('goes on with the keys that it knows while the issuer is away, and says so once', async () => {
  server.listener = answering(['one']);
  const issuer = newIssuer({ retryMs: 1, maxRetryMs: 1, refreshMs: 1 });
  const keys = await issuer.keysFor('one');
  let failed = 0;
  server.listener = (_, response) => {
    failed += 1;
    response.writeHead(503).end();
  };
  await vi.waitFor(() => expect(failed).toBeGreaterThan(3));
  expect(await issuer.keysFor('unknown')).toBe(keys);
  expect(await issuer.keysFor('one')).toBe(keys);
  expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('the keys that are known go on being used'));
});

test('does not let tokens with unknown keys wait for an issuer that is known to be away', async () => {
  server.listener = answering(['one']);
  const issuer = newIssuer({ retryMs: 1, maxRetryMs: 1, refreshMs: 1, timeoutMs: 600_000 });
  const keys = await issuer.keysFor('one');
  const hanging = Promise.withResolvers<void>();
  let failed = false;
  server.listener = (_, response) => {
    if (failed) hanging.resolve();
    else response.writeHead(503).end();
    failed = true;
  };
  await hanging.promise;
  expect(await issuer.keysFor('unknown')).toBe(keys);
});

test('ends a fetch that is under way when it is closed, and fetches no more', async () => {
  const asked = Promise.withResolvers<ServerResponse>();
  server.listener = (_, response) => asked.resolve(response);
  const issuer = newIssuer({ retryMs: 1, refreshMs: 1 });
  const keys = issuer.keysFor('one');
  const response = await asked.promise;
  const gone = once(response, 'close');
  issuer.close();
  await expect(keys).rejects.toMatchObject({ reason: 'UPSTREAM_UNAVAILABLE' });
  await gone;
  await expect(issuer.keysFor('one')).rejects.toMatchObject({ reason: 'UPSTREAM_UNAVAILABLE' });
  expect(server.asked).toEqual([configurationPath]);
  expect(warn).not.toHaveBeenCalled();
});
