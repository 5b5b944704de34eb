import 'reflect-metadata';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { calls, startAccess } from './access-server.ts';
import { type Gateway, type Headers, startGateway } from '../start-gateway.ts';

const signIn = { LOCAL_SIGN_IN: '1' };
let access: Awaited<ReturnType<typeof startAccess>>;
let gateway: Gateway;

beforeAll(async () => {
  access = await startAccess();
  gateway = await startGateway({ ...signIn, USER_TARGET: access.target });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await access[Symbol.asyncDispose]();
});
beforeEach(() => void calls.splice(0));

const bearer = { authorization: 'Bearer token' };
const cookie = { cookie: 'theme=dark; rollcall_session=secret; x=y' };

describe('a credential', () => {
  it.each<[string, string, Headers, string[]]>([
    ['nobody sends', '', {}, []],
    ['the header has', '', bearer, ['Bearer token']],
    ['the header has in another scheme', '', { authorization: 'Basic YTpi' }, ['Basic YTpi']],
    ['the header has, empty', '', { authorization: '' }, ['']],
    ['the cookie has', '', cookie, ['Bearer secret']],
    ['the cookie does not have', '', { cookie: 'rollcall_session=; rollcall_sessions=x' }, []],
    ['the cookie of TLS has, without TLS', '', { cookie: '__Host-rollcall_session=x' }, []],
    ['the URL has', '?access_ticket=rct_1%2B2', {}, ['Bearer rct_1+2']],
    ['the header has, with a cookie beside it', '', { ...bearer, ...cookie }, ['Bearer token']],
    ['the header has, with bytes that are no text', '', { authorization: 'Bearer \xe9' }, ['Bearer ?']],
  ])('that %s goes along', async (_, query, headers, expected) => {
    expect((await gateway.get(`/v1/caller${query}`, headers)).status).toBe(200);
    expect(calls.map(({ authorization }) => authorization)).toEqual([expected]);
  });

  it.each<[string, string, Headers, string]>([
    ['a header and a ticket', '?access_ticket=t', bearer, 'an Authorization header, the parameter access_ticket'],
    ['a cookie and a ticket', '?access_ticket=t', cookie, 'a session cookie, the parameter access_ticket'],
    [
      'all of them',
      '?access_ticket=t',
      { ...bearer, ...cookie },
      'an Authorization header, the parameter access_ticket',
    ],
    ['two tickets', '?access_ticket=t&access_ticket=u', {}, 'the parameter access_ticket, the parameter access_ticket'],
    ['two headers', '', { authorization: ['Bearer a', 'Bearer b'] }, 'an Authorization header, an Auth'],
    ['two headers that are equal', '', { authorization: ['Bearer a', 'Bearer a'] }, 'header, an Auth'],
    ['two cookies', '', { cookie: 'rollcall_session=a; rollcall_session=b' }, 'several cookies rollcall_session'],
  ])('is refused beside another: %s', async (_, query, headers, words) => {
    const { status, json } = await gateway.get(`/v1/caller${query}`, headers);
    expect([status, json.reason]).toEqual([400, 'MALFORMED_REQUEST']);
    expect(json.detail).toContain(words);
    expect(calls).toEqual([]);
  });

  it.each(['Bearer rck_ticket', 'bearer  rck_ticket'])('in a URL stands in no header: %s', async (authorization) => {
    const { status, json } = await gateway.get('/v1/caller', { authorization });
    expect([status, json.reason, calls]).toEqual([401, 'CREDENTIAL_INVALID', []]);
    expect(json.detail).toContain('access_ticket');
  });

  it('stands in the URL of GET alone', async () => {
    const { status, json } = await gateway.send('POST', '/v1/tickets?access_ticket=t', {});
    expect([status, json.detail]).toEqual([400, 'Only GET takes a ticket in the URL.']);
    expect((await gateway.get('/v1/caller?access_ticket=t', {}, 'HEAD')).status).toBe(400);
  });

  it('that is missing or wrong is answered 401 with how to sign in', async () => {
    const { status, headers } = await gateway.send('POST', '/v1/sessions', { secret: 'used' });
    expect([status, headers['www-authenticate']]).toEqual([401, 'Bearer']);
  });

  it('of somebody who asks too much is answered 429 with when to come back', async () => {
    const { status, headers } = await gateway.send('POST', '/v1/users/7/tokens', { name: 'ci' }, bearer);
    expect([status, headers['retry-after']]).toEqual([429, '3']);
  });
});

describe('the address of the client', () => {
  const addressOf = async (from: Gateway, forwardedFor: string): Promise<unknown> => {
    await from.get('/v1/caller', { 'x-forwarded-for': forwardedFor });
    return calls.at(-1)?.address;
  };

  it('goes along, as the proxies tell it that are trusted', async () => {
    await gateway.get('/v1/caller');
    expect(calls.at(-1)?.address).toEqual(['unix']);
    expect(await addressOf(gateway, '10.0.0.1, 203.0.113.9')).toEqual(['203.0.113.9']);
    await using strict = await startGateway({ ...signIn, USER_TARGET: access.target, TRUSTED_PROXIES: 'none' });
    expect(await addressOf(strict, '203.0.113.9')).toEqual(['unix']);
    await using chained = await startGateway({
      ...signIn,
      USER_TARGET: access.target,
      TRUSTED_PROXIES: 'loopback,private',
    });
    expect(await addressOf(chained, '198.51.100.2, 10.0.0.1')).toEqual(['198.51.100.2']);
  });
});
