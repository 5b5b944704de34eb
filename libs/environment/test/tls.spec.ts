import { describe, expect, it } from 'vitest';
import { readServiceTls, readTls } from '../src/tls.ts';

const names = { cert: 'TLS_CERT', key: 'TLS_KEY', ca: 'TLS_CA' };

const pair = { TLS_CERT: '/tls/tls.crt', TLS_KEY: '/tls/tls.key' };
const mutual = { ...pair, TLS_CA: '/tls/ca.crt' };

describe.each([
  ['a service', readServiceTls],
  ['any process', readTls],
])('for %s', (_, read) => {
  it('there is no TLS unless a file is named', () => {
    expect(read({ TLS_CERT: '', TLS_KEY: '', TLS_CA: '', TLS_CALLERS: '' })).toBeUndefined();
  });

  it('the files, callers and the interval are read', () => {
    const env = { ...mutual, TLS_CALLERS: 'Gateway, chat.internal', TLS_RELOAD_MS: '100' };
    expect(read(env)).toEqual({
      cert: '/tls/tls.crt',
      key: '/tls/tls.key',
      ca: '/tls/ca.crt',
      callers: ['gateway', 'chat.internal'],
      reloadMs: 100,
      names,
    });
    expect(read(pair)).toEqual({ cert: '/tls/tls.crt', key: '/tls/tls.key', callers: [], reloadMs: 5000, names });
  });

  it.each([
    ['TLS_KEY', { TLS_CERT: '/tls/tls.crt' }],
    ['TLS_CERT', { TLS_KEY: '/tls/tls.key' }],
    ['TLS_CERT', { ...pair, TLS_CERT: '-----BEGIN CERTIFICATE-----\nsecret' }],
    ['TLS_KEY', { ...pair, TLS_KEY: '-----BEGIN PRIVATE KEY-----\nsecret' }],
    ['TLS_CALLERS', { TLS_CALLERS: 'gateway' }],
    ['TLS_CALLERS', { ...pair, TLS_CALLERS: 'gateway' }],
    ['TLS_CALLERS', { ...mutual, TLS_CALLERS: ',' }],
    ['TLS_CALLERS', { ...mutual, TLS_CALLERS: 'gateway,' }],
    ['TLS_CALLERS', { ...mutual, TLS_CALLERS: 'CN=gateway' }],
    ['TLS_RELOAD_MS', { ...mutual, TLS_RELOAD_MS: '0' }],
    ['TLS_RELOAD_MS', { TLS_RELOAD_MS: '5s' }],
  ])('%s is named when it is wrong or missing in %j', (name, env) => {
    expect(() => read(env)).toThrow(new RegExp(`^${name}: (?!.*secret)`));
  });
});

it('an authority alone is enough for a caller, and not for a service, which would listen in plain text', () => {
  const env = { TLS_CA: '/tls/ca.crt' };
  expect(readTls(env)).toMatchObject({ ca: '/tls/ca.crt' });
  expect(() => readServiceTls(env)).toThrow(/^TLS_CA: /);
});
