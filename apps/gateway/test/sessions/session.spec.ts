import 'reflect-metadata';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { begun, calls, sessionSecret, startAccess } from './access-server.ts';
import { ask, type Gateway, startGateway } from '../start-gateway.ts';

let access: Awaited<ReturnType<typeof startAccess>>;
let gateway: Gateway;

beforeAll(async () => {
  access = await startAccess();
  gateway = await startGateway({ LOCAL_SIGN_IN: '1', USER_TARGET: access.target });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await access[Symbol.asyncDispose]();
});
beforeEach(() => void calls.splice(0));

const own = { origin: 'http://localhost', host: 'localhost' };
const secure = { ...own, origin: 'https://localhost', 'x-forwarded-proto': 'https' };
const cleared = 'rollcall_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict';

/** The cookies that an answer sets. Of an hour and a second it took a little. */
function cookiesOf(headers: { readonly 'set-cookie'?: string[] | undefined }): string[] | undefined {
  return headers['set-cookie']?.map((cookie) => cookie.replace(/Max-Age=3(600|5\d\d);/, 'Max-Age=3600;'));
}

describe('POST /session', () => {
  it('keeps the session in a cookie that no script can read, and tells who it is', async () => {
    const { status, headers, json, text } = await gateway.send('POST', '/session', { secret: 'good' }, own);
    expect(status).toBe(201);
    expect(cookiesOf(headers)).toEqual([
      `rollcall_session=${sessionSecret}; Path=/; Max-Age=3600; HttpOnly; SameSite=Strict`,
    ]);
    expect(json).toMatchObject({ user: { id: '7', name: 'Ada', type: 'USER_TYPE_NORMAL' } });
    expect(Object.keys(json)).toEqual(['user', 'expireTime']);
    expect(text).not.toContain(sessionSecret);
    expect(headers['cache-control']).toBe('no-store');
    expect(calls).toEqual([{ method: 'CreateSession', authorization: [], address: ['unix'] }]);
  });

  it('ends the session of the cookie that comes with it, and says what signs in', async () => {
    const agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
    const headers = { ...own, cookie: 'rollcall_session=rcs_before', 'user-agent': agent };
    expect((await gateway.send('POST', '/session', { secret: 'good' }, headers)).status).toBe(201);
    expect(begun).toMatchObject([{ secret: 'good', replacedSecret: 'rcs_before', agent: 'Firefox on Linux' }]);
    await gateway.send('POST', '/session', { secret: 'good' }, own);
    expect(begun).toMatchObject([{ replacedSecret: '', agent: '' }]);
  });

  it('keeps it for TLS alone when the browser speaks TLS, as a trusted proxy tells', async () => {
    const { headers } = await gateway.send('POST', '/session', { secret: 'good' }, secure);
    expect(cookiesOf(headers)).toEqual([
      `__Host-rollcall_session=${sessionSecret}; Path=/; Max-Age=3600; HttpOnly; SameSite=Strict; Secure`,
    ]);
    expect(headers['strict-transport-security']).toBe('max-age=31536000');
    await using strict = await startGateway({
      LOCAL_SIGN_IN: '1',
      USER_TARGET: access.target,
      TRUSTED_PROXIES: 'none',
    });
    const untrusted = await strict.send(
      'POST',
      '/session',
      { secret: 'good' },
      { ...own, 'x-forwarded-proto': 'https' },
    );
    expect(String(untrusted.headers['set-cookie'])).toMatch(/^rollcall_session=.*Strict$/);
    expect(untrusted.headers['strict-transport-security']).toBeUndefined();
  });

  it('passes on why a link does not sign in', async () => {
    const used = await gateway.send('POST', '/session', { secret: 'used' });
    expect([used.status, used.json.reason, used.headers['set-cookie']]).toEqual([401, 'LINK_INVALID', undefined]);
    const off = await gateway.send('POST', '/session', { secret: 'off' });
    expect([off.status, off.json.reason]).toEqual([400, 'LOCAL_SIGN_IN_OFF']);
  });

  it.each([
    ['no JSON', '{canary', 'application/json'],
    ['nothing', '', 'application/json'],
    ['a list', '["canary"]', 'application/json'],
    ['no string', '{"secret":{"canary":1}}', 'application/json'],
    ['more than the secret', '{"secret":"canary","user":"x"}', 'application/json'],
    ['null', 'null', 'application/json'],
  ])('refuses %s, and does not repeat it', async (_, body, type) => {
    const { status, text } = await ask(gateway.socketPath, 'POST', '/session', { 'content-type': type }, body);
    expect(status).toBe(400);
    expect(text).not.toContain('canary');
    expect(calls).toEqual([]);
  });

  it('refuses what the form of another site can send', async () => {
    const body = '{"secret":"good"}';
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      const { status } = await ask(gateway.socketPath, 'POST', '/session', { 'content-type': type }, body);
      expect(status).toBe(415);
    }
    expect((await ask(gateway.socketPath, 'POST', '/session', {}, body)).status).toBe(415);
    expect(calls).toEqual([]);
  });

  it.each([
    ['another site', { origin: 'https://evil.example.com' }],
    ['another origin of this site', { 'sec-fetch-site': 'same-site' }],
    ['a page without an origin', { origin: 'null' }],
  ])('signs nobody in for %s', async (_, headers) => {
    const { status, json } = await gateway.send('POST', '/session', { secret: 'good' }, headers);
    expect([status, json.reason]).toEqual([403, 'FOREIGN_ORIGIN']);
    expect(calls).toEqual([]);
  });

  it('takes 4096 bytes, and no more', async () => {
    const body = JSON.stringify({ secret: 'good' });
    expect((await ask(gateway.socketPath, 'POST', '/session', json, body.padEnd(4096))).status).toBe(201);
    expect((await ask(gateway.socketPath, 'POST', '/session', json, body.padEnd(4097))).status).toBe(413);
  });

  const json = { 'content-type': 'application/json' };
});

describe('DELETE /session', () => {
  const withCookie = (secret: string) => ({ ...own, cookie: `rollcall_session=${secret}` });

  it('ends the session, and forgets the cookie', async () => {
    const { status, headers, text } = await gateway.get('/session', withCookie(sessionSecret), 'DELETE');
    expect([status, text, headers['set-cookie']]).toEqual([204, '', [cleared]]);
    expect(calls).toEqual([{ method: 'DeleteSession', authorization: [`Bearer ${sessionSecret}`], address: ['unix'] }]);
  });

  it('forgets the cookie also when there is no such session, and when there is no cookie', async () => {
    const over = await gateway.get('/session', withCookie('over'), 'DELETE');
    expect([over.status, over.headers['set-cookie']]).toEqual([204, [cleared]]);
    const none = await gateway.get('/session', {}, 'DELETE');
    expect([none.status, none.headers['set-cookie'], calls.length]).toEqual([204, [cleared], 1]);
  });

  it('forgets the cookie, and says so, when the session cannot be ended', async () => {
    const { status, headers } = await gateway.get('/session', withCookie('broken'), 'DELETE');
    expect([status, headers['set-cookie']]).toEqual([503, [cleared]]);
  });

  it('forgets both cookies under TLS', async () => {
    const headers = { ...secure, cookie: `__Host-rollcall_session=${sessionSecret}` };
    const answer = await gateway.get('/session', headers, 'DELETE');
    expect(answer.headers['set-cookie']).toEqual([cleared.replace('roll', '__Host-roll') + '; Secure', cleared]);
    expect(calls.at(-1)?.authorization).toEqual([`Bearer ${sessionSecret}`]);
  });

  it('does not sign out for another site', async () => {
    const headers = { ...withCookie(sessionSecret), origin: 'https://evil.example.com' };
    const answer = await gateway.get('/session', headers, 'DELETE');
    expect([answer.status, answer.headers['set-cookie'], calls]).toEqual([403, undefined, []]);
  });
});

describe('secrets', () => {
  it('stand in no log, at any level, and in no answer', async () => {
    const written: string[] = [];
    const spies = [process.stdout, process.stderr].map((stream) =>
      vi.spyOn(stream, 'write').mockImplementation((chunk) => written.push(String(chunk)) > 0),
    );
    try {
      await using loud = await startGateway({ LOCAL_SIGN_IN: '1', LOG_LEVEL: 'verbose' });
      const answers = [
        await loud.send('POST', '/session', { secret: 'canary-1' }),
        await loud.get('/session', { ...own, cookie: 'rollcall_session=canary-2' }, 'DELETE'),
        await loud.get('/v1/caller?access_ticket=canary-3'),
        await loud.get('/v1/caller', { authorization: 'Bearer canary-5' }),
        await loud.get('/v1/caller?access_ticket=canary-6', { authorization: 'Bearer canary-7' }),
        await loud.send('POST', '/v1/tickets?access_ticket=canary-8', {}),
      ];
      expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503, 400, 400]);
      const watch = await loud.get('/v1/users:watch?access%5Fticket=canary-4');
      // On a busy machine it is tried for more than a second, after which a stream has its headers, and breaks off.
      expect([200, 503]).toContain(watch.status);
      expect(watch.text).toContain('UPSTREAM_UNAVAILABLE');
      expect(JSON.stringify([...answers, watch])).not.toContain('canary');
    } finally {
      spies.forEach((spy) => spy.mockRestore());
    }
    expect(written.join('')).toContain('GET /v1/caller failed');
    expect(written.join('')).not.toContain('canary');
  });
});

describe('GET /sign-in', () => {
  it('is a page without inline code, whose files are all there', async () => {
    const { status, headers, text } = await gateway.get('/sign-in');
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; script-src 'self';.*frame-ancestors 'none'/,
    );
    expect(headers['content-security-policy']).not.toContain('unsafe');
    expect(text).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|https?:/);
    const links = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(
      ([, link = '']) => new URL(link, 'http://x/sign-in'),
    );
    expect(links.length).toBeGreaterThan(3);
    for (const { pathname } of links) expect((await gateway.get(pathname)).status, pathname).toBe(200);
    expect((await gateway.get('/sign-in', { 'if-none-match': String(headers['etag']) })).status).toBe(304);
    expect((await gateway.get('/sign-in/package.json')).status).toBe(404);
  });
});
