import { resolve } from 'node:path';
import { defaultCallerLimits } from '@rollcall/access';
import { defaultLimits } from '@rollcall/grpc';
import { expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';

test('has defaults for everything', () => {
  expect(readConfig({})).toEqual({
    listen: '127.0.0.1:50051',
    database: { engine: 'sqlite', dataDir: resolve('.data') },
    keepAudit: { keepMs: 365 * 24 * 60 * 60 * 1000, keepDeniedMs: 30 * 24 * 60 * 60 * 1000 },
    keepDeletedMs: 30 * 86_400_000,
    keepChangesMs: 7 * 86_400_000,
    signIn: {
      oidc: undefined,
      links: false,
      sessionMs: 30 * 86_400_000,
      publicUrl: 'http://localhost:3000',
      tutorialUserId: undefined,
      administratorLink: false,
      firstAdministratorEmail: '',
      serviceTokenFile: resolve('.data/service-token'),
      limits: defaultCallerLimits,
      trustedProxies: expect.anything() as unknown,
    },
    logLevels: ['fatal', 'error', 'warn', 'log'],
    limits: defaultLimits,
    drainMs: 10_000,
    batchedCalls: true,
  });
});

test('takes an empty variable as unset', () => {
  const empty = readConfig({ USER_LISTEN: '', DATA_DIR: '', LOG_LEVEL: '', LOCAL_SIGN_IN: '', TUTORIAL_USER_ID: '' });
  expect(JSON.stringify(empty)).toBe(JSON.stringify(readConfig({})));
});

test('cannot be changed', () => {
  expect(Object.isFrozen(readConfig({}))).toBe(true);
});

test.each(['127.0.0.1:0', '127.9.9.9:1', '[::1]:50051', 'localhost:50051', 'unix:///run/users.sock'])(
  'listens on %s',
  (listen) => {
    expect(readConfig({ USER_LISTEN: listen }).listen).toBe(listen);
  },
);

test.each([
  '0.0.0.0:50051',
  '[::]:50051',
  '192.168.1.2:50051',
  'example.com:50051',
  '127.0.0.1.example.com:1',
  '[::ffff:1.2.3.4]:1',
])('refuses %s, which other machines can reach', (listen) => {
  expect(() => readConfig({ USER_LISTEN: listen })).toThrow(
    /^USER_LISTEN: .*nobody has to sign in.*OIDC_ISSUER or LOCAL_SIGN_IN=1/,
  );
});

test.each([{ LOCAL_SIGN_IN: '1' }, { OIDC_ISSUER: 'https://id.example.com', OIDC_AUDIENCE: 'rollcall' }])(
  'listens for other machines when callers have to sign in, by %o',
  (signIn) => {
    expect(readConfig({ USER_LISTEN: '0.0.0.0:50051', ...signIn }).listen).toBe('0.0.0.0:50051');
  },
);

test.each([
  ['USER_LISTEN', '50051'],
  ['USER_LISTEN', '127.0.0.1'],
  ['USER_LISTEN', '127.0.0.1:65536'],
  ['USER_LISTEN', '[localhost]:1'],
  ['USER_LISTEN', 'http://127.0.0.1:1'],
  ['USER_LISTEN', 'unix:'],
  ['LOCAL_SIGN_IN', 'yes'],
  ['LOG_LEVEL', 'loud'],
  ['GRPC_MAX_MESSAGE_BYTES', '4MB'],
  ['DRAIN_MS', '0'],
  ['BATCHED_CALLS', 'no'],
])('names %s when its value is "%s"', (name, value) => {
  expect(() => readConfig({ [name]: value })).toThrow(new RegExp(`^${name}: "`));
});

test.each([
  ['info', 'log'],
  ['log', 'log'],
  ['fatal', 'fatal'],
  ['verbose', 'verbose'],
])('takes the log level %s', (value, level) => {
  expect(readConfig({ LOG_LEVEL: value }).logLevels.at(-1)).toBe(level);
});

test.each([
  ['LOCAL_SIGN_IN', 'yes'],
  ['SESSION_DAYS', '0'],
  ['SESSION_DAYS', '401'],
  ['PUBLIC_URL', 'rollcall.example.com'],
  ['PUBLIC_URL', 'https://rollcall.example.com/app'],
  ['PUBLIC_URL', 'javascript:alert(1)'],
  ['TUTORIAL_USER_ID', '0'],
  ['TUTORIAL_USER_ID', 'admin'],
  ['FIRST_ADMINISTRATOR_EMAIL', 'nobody'],
  ['CALLER_CALLS_PER_SECOND', '0'],
  ['CALLER_CALLS_BURST', '-1'],
  ['ADDRESS_CALLS_PER_SECOND', '1.5'],
  ['ADDRESS_CALLS_BURST', '1000001'],
  ['CALLER_STREAMS', 'many'],
])('names %s when its value is "%s"', (name, value) => {
  expect(() => readConfig({ [name]: value })).toThrow(new RegExp(`^${name}: `));
});

test('makes links for the port that the gateway listens on', () => {
  expect(readConfig({ GATEWAY_LISTEN: '127.0.0.1:8080' }).signIn.publicUrl).toBe('http://localhost:8080');
  expect(readConfig({ PUBLIC_URL: 'https://rollcall.example.com/' }).signIn.publicUrl).toBe(
    'https://rollcall.example.com',
  );
});
