import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { calls, startAccess } from './access-server.ts';
import { type Gateway, startGateway } from '../start-gateway.ts';

const foreign = 'https://evil.example.com';
const app = 'https://app.example.com';
let access: Awaited<ReturnType<typeof startAccess>>;
/** Gateways by what their environment says. */
const gateways: Record<'signIn' | 'protectedMode' | 'open', Gateway[]> = { signIn: [], protectedMode: [], open: [] };

beforeAll(async () => {
  access = await startAccess();
  const common = { USER_TARGET: access.target, PUBLIC_URL: 'https://rollcall.example.com' };
  gateways.signIn = [await startGateway({ ...common, LOCAL_SIGN_IN: '1', CORS_ORIGINS: app })];
  gateways.protectedMode = [await startGateway({ ...common, CORS_ORIGINS: app })];
  gateways.open = [await startGateway({ ...common, CORS_ORIGINS: '*' })];
});
afterAll(async () => {
  for (const gateway of Object.values(gateways).flat()) await gateway[Symbol.asyncDispose]();
  await access[Symbol.asyncDispose]();
});
type Case = readonly [what: string, allowed: boolean, headers: Record<string, string>];

/** Why a request was refused, empty when it was not, and how many calls it made. */
async function answerOf(
  gateway: Gateway | undefined,
  method: string,
  headers: Record<string, string>,
): Promise<[reason: string, calls: number]> {
  calls.length = 0;
  const answer =
    method === 'POST'
      ? await gateway?.send(method, '/v1/tickets', {}, headers)
      : await gateway?.get('/v1/caller', headers, method);
  return [answer?.status === 200 || answer?.status === 201 ? '' : answer?.json.reason, calls.length];
}

const refused = ['FOREIGN_ORIGIN', 0];
const letThrough = ['', 1];

describe('a WebSocket by cookie', () => {
  const asked = {
    cookie: 'rollcall_session=secret',
    host: 'localhost:3000',
    connection: 'Upgrade',
    upgrade: 'websocket',
  };
  it.each<Case>([
    ['a page of this origin', true, { ...asked, origin: 'http://localhost:3000' }],
    ['a page of CORS_ORIGINS', true, { ...asked, origin: app }],
    ['nobody knows who', false, asked],
    ['another site', false, { ...asked, origin: foreign }],
  ])('of %s', async (_, allowed, headers) => {
    for (const gateway of gateways.signIn)
      expect(await answerOf(gateway, 'GET', headers)).toEqual(allowed ? letThrough : refused);
  });
});

describe('a write by cookie', () => {
  const cookie = { cookie: 'rollcall_session=secret', host: 'localhost:3000' };
  it.each<Case>([
    ['a page of this origin', true, { ...cookie, origin: 'http://localhost:3000' }],
    ['a page of PUBLIC_URL', true, { ...cookie, origin: 'https://rollcall.example.com' }],
    ['a page of CORS_ORIGINS', true, { ...cookie, origin: app }],
    ['a page that the browser vouches for', true, { ...cookie, 'sec-fetch-site': 'same-origin' }],
    [
      'a page of this origin that tells no origin',
      true,
      { ...cookie, origin: 'null', 'sec-fetch-site': 'same-origin' },
    ],
    ['nobody knows who', false, cookie],
    ['another site', false, { ...cookie, origin: foreign }],
    ['another port', false, { ...cookie, origin: 'http://localhost:8080' }],
    [
      'this host without TLS',
      false,
      { ...cookie, 'x-forwarded-proto': 'https', cookie: '__Host-rollcall_session=s', origin: 'http://localhost:3000' },
    ],
    [
      'this host with TLS',
      true,
      {
        ...cookie,
        'x-forwarded-proto': 'https',
        cookie: '__Host-rollcall_session=s',
        origin: 'https://localhost:3000',
      },
    ],
    ['a page without an origin', false, { ...cookie, origin: 'null' }],
    ['a sibling of this site', false, { ...cookie, 'sec-fetch-site': 'same-site' }],
    ['another site that tells no origin', false, { ...cookie, 'sec-fetch-site': 'cross-site' }],
    ['what the user typed in', false, { ...cookie, 'sec-fetch-site': 'none' }],
    ['two origins', false, { ...cookie, origin: `${app}, ${foreign}` }],
    ['an origin that starts like this one', false, { ...cookie, origin: 'http://localhost:3000.evil.example.com' }],
    ['a program with a token beside it', true, { ...cookie, authorization: 'Bearer token', origin: foreign }],
  ])('of %s is let through: %s', async (_, allowed, headers) => {
    expect(await answerOf(gateways.signIn[0], 'POST', headers)).toEqual(allowed ? letThrough : refused);
  });

  it('is not let through by a wildcard', async () => {
    await using open = await startGateway({ LOCAL_SIGN_IN: '1', USER_TARGET: access.target, CORS_ORIGINS: '*' });
    expect(await answerOf(open, 'POST', { ...cookie, origin: foreign })).toEqual(refused);
  });

  it('is what is checked, not a read, nor a write by a token', async () => {
    for (const method of ['GET', 'HEAD']) {
      expect(await answerOf(gateways.signIn[0], method, { ...cookie, origin: foreign })).toEqual(letThrough);
    }
    const token = { authorization: 'Bearer token', origin: foreign };
    expect(await answerOf(gateways.signIn[0], 'POST', token)).toEqual(letThrough);
  });

  it('cannot be asked for by other pages before, and can by those of CORS_ORIGINS', async () => {
    const preflight = { 'access-control-request-method': 'POST' };
    const answer = await gateways.signIn[0]?.get('/v1/tickets', { ...preflight, origin: app }, 'OPTIONS');
    expect([answer?.status, answer?.headers['access-control-allow-origin']]).toEqual([204, app]);
    expect(answer?.headers['access-control-allow-credentials']).toBe('true');
    const other = await gateways.signIn[0]?.get('/v1/tickets', { ...preflight, origin: foreign }, 'OPTIONS');
    expect(other?.headers['access-control-allow-origin']).not.toBe(foreign);
  });
});

describe('in protected mode', () => {
  const navigation = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
  const cases: Case[] = [
    ['a program', true, {}],
    ['a page of this origin', true, { host: 'localhost:3000', origin: 'http://localhost:3000' }],
    ['a page that the browser vouches for', true, { 'sec-fetch-site': 'same-origin' }],
    ['what the user typed in', true, { 'sec-fetch-site': 'none' }],
    ['a page of CORS_ORIGINS', true, { origin: app, 'sec-fetch-site': 'cross-site' }],
    ['a page of PUBLIC_URL', true, { host: 'rollcall.example.com', origin: 'https://rollcall.example.com' }],
    ['another site', false, { origin: foreign }],
    ['another port of this machine', false, { host: 'localhost:3000', origin: 'http://localhost:8080' }],
    ['a page without an origin', false, { origin: 'null' }],
    ['an image of another site', false, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
    ['an image of another port', false, { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' }],
    ['a frame of another site', false, { ...navigation, 'sec-fetch-dest': 'iframe' }],
    ['this machine by its address', true, { host: '127.0.0.1:3000' }],
    ['this machine by another of its addresses', true, { host: '127.8.9.1' }],
    ['this machine by its address of IPv6', true, { host: '[::1]:3000' }],
    ['this machine in capitals', true, { host: 'LOCALHOST:3000' }],
    ['PUBLIC_URL on another port', true, { host: 'rollcall.example.com:8443' }],
    ['a name that leads here', false, { host: 'evil.example.com:3000' }],
    ['a name that leads here, to its own page', false, { host: 'evil.example.com', 'sec-fetch-site': 'same-origin' }],
    [
      'a name that leads here, from its own page',
      false,
      { host: 'evil.example.com', origin: 'http://evil.example.com' },
    ],
    ['a name that starts like ours', false, { host: 'localhost.evil.example.com' }],
    ['a name that starts like our address', false, { host: '127.0.0.1.evil.example.com' }],
    ['an address of the network', false, { host: '192.168.0.2:3000' }],
    ['no name', false, { host: ':3000' }],
    ['a name with a user', false, { host: 'localhost@evil.example.com' }],
    ['brackets that do not close', false, { host: '[::1' }],
    ['a proxy for somebody elsewhere', false, { 'x-forwarded-for': '203.0.113.9' }],
    ['a proxy for somebody here', true, { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http' }],
    ...[
      'unknown',
      '_hidden',
      '203.0.113.5, unknown',
      '127.0.0.1, _hidden',
      ',',
      '0x7f.1',
      '127.0.0.1, 203.0.113.9',
    ].map((hops): Case => [`a proxy for "${hops}"`, false, { 'x-forwarded-for': hops }]),
    ...Object.entries({
      forwarded: 'for=127.0.0.1',
      via: '1.1 proxy',
      'x-real-ip': '127.0.0.1',
      'cf-connecting-ip': '127.0.0.1',
      'true-client-ip': '127.0.0.1',
      'x-client-ip': '127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-original-forwarded-for': '127.0.0.1',
      'x-forwarded': 'for=127.0.0.1',
    }).map(([name, value]): Case => [`a proxy that sends ${name}`, false, { [name]: value }]),
    ['a proxy that says who and more', false, { 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '203.0.113.9' }],
  ];

  it.each(cases)('%s reads: %s', async (_, allowed, headers) => {
    expect(await answerOf(gateways.protectedMode[0], 'GET', headers)).toEqual(allowed ? letThrough : refused);
  });

  it.each(cases)('%s writes: %s', async (_, allowed, headers) => {
    expect(await answerOf(gateways.protectedMode[0], 'POST', headers)).toEqual(allowed ? letThrough : refused);
  });

  it('a link of another site leads here, and a form does not', async () => {
    expect(await answerOf(gateways.protectedMode[0], 'GET', navigation)).toEqual(letThrough);
    expect(await answerOf(gateways.protectedMode[0], 'POST', { ...navigation, origin: foreign })).toEqual(refused);
    expect(await answerOf(gateways.protectedMode[0], 'POST', navigation)).toEqual(refused);
  });

  it('all pages are let in when CORS_ORIGINS says so, and no name that leads here', async () => {
    expect(await answerOf(gateways.open[0], 'GET', { origin: foreign, 'sec-fetch-site': 'cross-site' })).toEqual(
      letThrough,
    );
    expect(await answerOf(gateways.open[0], 'GET', { host: 'evil.example.com' })).toEqual(refused);
  });

  it('says exactly why it refuses, on every path', async () => {
    for (const path of ['/v1/caller', '/docs/', '/healthz', '/sign-in', '/nowhere', '/openapi.json']) {
      const rebound = await gateways.protectedMode[0]?.get(path, { host: 'evil.example.com' });
      expect([rebound?.status, rebound?.json.detail], path).toEqual([
        403,
        'The Host header names neither this machine nor the host of PUBLIC_URL.',
      ]);
      const page = await gateways.protectedMode[0]?.get(path, { origin: foreign });
      expect([page?.status, page?.json.detail], path).toEqual([
        403,
        'A page of another origin made the request. CORS_ORIGINS names the origins whose pages may.',
      ]);
    }
  });
});

it('asks no Host of those who sign in', async () => {
  expect(await answerOf(gateways.signIn[0], 'GET', { host: 'gateway.internal', origin: foreign })).toEqual(letThrough);
});
