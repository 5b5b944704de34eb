import { expect, test } from 'vitest';
import { readOidc } from '../../../src/access/oidc/environment.ts';

const issuer = 'https://id.example';

test('accepts no tokens when nothing is set', () => {
  expect(readOidc({})).toBeUndefined();
  expect(
    readOidc({ OIDC_ISSUER: '', OIDC_AUDIENCE: '', OIDC_USER_ID_CLAIM: '', OIDC_LEEWAY_SECONDS: '' }),
  ).toBeUndefined();
});

test('has defaults beside the issuer and the audience', () => {
  expect(readOidc({ OIDC_ISSUER: issuer, OIDC_AUDIENCE: 'rollcall' })).toEqual({
    issuer,
    audiences: ['rollcall'],
    userIdClaim: undefined,
    leewaySeconds: 30,
    tokenMs: 0,
  });
});

test('reads everything, and cannot be changed', () => {
  const config = readOidc({
    OIDC_ISSUER: `${issuer}/tenant/`,
    OIDC_AUDIENCE: ' one ,https://two.example, one',
    OIDC_USER_ID_CLAIM: 'https://rollcall.example/user_id',
    OIDC_LEEWAY_SECONDS: '0',
  });
  expect(config).toEqual({
    issuer: `${issuer}/tenant/`,
    audiences: ['one', 'https://two.example'],
    userIdClaim: 'https://rollcall.example/user_id',
    leewaySeconds: 0,
    tokenMs: 0,
  });
  expect(Object.isFrozen(config)).toBe(true);
});

test.each([
  'http://127.0.0.1:8080',
  'http://127.9.9.9',
  'http://[::1]:1/a',
  'http://localhost:3000',
  'HTTPS://id.example',
])('takes the issuer %s', (url) => {
  expect(readOidc({ OIDC_ISSUER: url, OIDC_AUDIENCE: 'a' })?.issuer).toBe(url);
});

test.each([
  'id.example',
  'http://id.example',
  'http://127.0.0.1.example.com',
  'http://localhost.example.com',
  'http://10.0.0.1',
  'http://[::ffff:7f00:1]',
  'ftp://localhost',
  'file:///etc/passwd',
  'https:id.example',
  'https://user:secret@id.example',
  'https://user@id.example',
  'https://id.example?tenant=1',
  'https://id.example#a',
  'https://id.example/ a',
  ' https://id.example',
  'https://',
])('refuses the issuer %s, and does not show it', (url) => {
  const read = () => readOidc({ OIDC_ISSUER: url, OIDC_AUDIENCE: 'a' });
  expect(read).toThrow(/^OIDC_ISSUER: it (is no https|has a query)/);
  expect(read).not.toThrow(/example|secret|passwd/);
});

test.each([
  ['OIDC_AUDIENCE', ''],
  ['OIDC_AUDIENCE', ','],
  ['OIDC_AUDIENCE', 'one,,two'],
  ['OIDC_USER_ID_CLAIM', 'user id'],
  ['OIDC_USER_ID_CLAIM', 'größe'],
  ['OIDC_USER_ID_CLAIM', 'c'.repeat(256)],
  ['OIDC_LEEWAY_SECONDS', '-1'],
  ['OIDC_LEEWAY_SECONDS', '301'],
  ['OIDC_LEEWAY_SECONDS', '1.5'],
  ['OIDC_LEEWAY_SECONDS', '30s'],
  ['OIDC_LEEWAY_SECONDS', ' 1'],
])('names %s when its value is "%s"', (name, value) => {
  expect(() => readOidc({ OIDC_ISSUER: issuer, OIDC_AUDIENCE: 'a', [name]: value })).toThrow(new RegExp(`^${name}: `));
});

test.each(['OIDC_AUDIENCE', 'OIDC_USER_ID_CLAIM', 'OIDC_LEEWAY_SECONDS'])(
  'does not start with %s and no issuer, for somebody expects a sign-in',
  (name) => {
    expect(() => readOidc({ [name]: '1' })).toThrow(`${name}: it is set, and OIDC_ISSUER is not`);
  },
);
