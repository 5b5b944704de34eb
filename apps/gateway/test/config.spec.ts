import { defaultHttpLimits } from '@rollcall/transcoder';
import { expect, it } from 'vitest';
import { readConfig } from '../src/config.ts';

it('has defaults for everything', () => {
  expect(readConfig({})).toMatchObject({
    listen: '127.0.0.1:3000',
    userTarget: '127.0.0.1:50051',
    chatTarget: '127.0.0.1:50052',
    corsOrigins: [],
    protectedMode: true,
    publicUrl: 'http://localhost:3000',
    limits: defaultHttpLimits,
    logLevels: ['fatal', 'error', 'warn', 'log'],
    drainMs: 10_000,
    batchedCalls: true,
  });
});

it('finds user-service where it listens, unless it is told', () => {
  expect(readConfig({ USER_LISTEN: 'unix:///u.sock' }).userTarget).toBe('unix:///u.sock');
  expect(readConfig({ USER_LISTEN: 'x:1', USER_TARGET: 'dns:///users:50051' }).userTarget).toBe('dns:///users:50051');
});

it.each([
  ['GATEWAY_LISTEN', '0.0.0.0:3000'],
  ['GATEWAY_LISTEN', '3000'],
  ['CORS_ORIGINS', 'app.example.com'],
  ['CORS_ORIGINS', 'https://app.example.com/path'],
  ['LOG_LEVEL', 'loud'],
  ['DRAIN_MS', 'soon'],
  ['BATCHED_CALLS', 'no'],
  ['LOCAL_SIGN_IN', 'yes'],
  ['PUBLIC_URL', 'https://rollcall.example.com/app'],
  ['TRUSTED_PROXIES', 'everybody'],
  ['HTTP_MAX_URL_BYTES', '8k'],
  ['HTTP_MAX_HEADER_BYTES', '0'],
  ['HTTP_MAX_HEADERS', '1001'],
  ['HTTP_MAX_BODY_BYTES', '-1'],
  ['HTTP_HEADERS_TIMEOUT_MS', '1.5'],
  ['HTTP_BODY_TIMEOUT_MS', '2147483648'],
])('names %s when its value is "%s"', (name, value) => {
  expect(() => readConfig({ [name]: value })).toThrow(new RegExp(`^${name}: "`));
});

it('listens for other machines when callers have to sign in', () => {
  const everywhere = { GATEWAY_LISTEN: '0.0.0.0:3000' };
  expect(() => readConfig(everywhere)).toThrow(/^GATEWAY_LISTEN: .*OIDC_ISSUER or LOCAL_SIGN_IN=1/);
  expect(readConfig({ ...everywhere, LOCAL_SIGN_IN: '1' })).toMatchObject({ protectedMode: false });
  expect(readConfig({ ...everywhere, OIDC_ISSUER: 'https://issuer.example.com' }).protectedMode).toBe(false);
});

it('takes what the limits of HTTP say', () => {
  const env = { HTTP_MAX_URL_BYTES: '1', HTTP_MAX_HEADER_BYTES: '2', HTTP_MAX_HEADERS: '3', HTTP_MAX_BODY_BYTES: '4' };
  const times = { HTTP_MAX_STREAMS: '5', HTTP_HEADERS_TIMEOUT_MS: '6', HTTP_BODY_TIMEOUT_MS: '7' };
  const sums = {
    HTTP_MAX_BODIES_BYTES: '8',
    HTTP_MAX_CALLER_BODIES_BYTES: '9',
    HTTP_MAX_CONNECTIONS: '10',
    HTTP_MAX_ADDRESS_CONNECTIONS: '11',
  };
  expect(Object.values(readConfig({ ...env, ...times, ...sums }).limits)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});
