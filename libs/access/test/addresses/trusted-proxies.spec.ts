import { expect, it, test } from 'vitest';
import { forwardedAddress, readTrustedProxies } from '../../src/addresses/trusted-proxies.ts';

const proxies = (value?: string) => readTrustedProxies({ TRUSTED_PROXIES: value });

test.each([
  ['nobody forwards', '203.0.113.9', undefined, '203.0.113.9'],
  ['a stranger claims to forward', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
  ['a local proxy forwards', '127.0.0.1', '203.0.113.9', '203.0.113.9'],
  ['a proxy behind a unix socket forwards', 'unix', '203.0.113.9', '203.0.113.9'],
  ['a local proxy forwards over IPv6', '::1', '2001:DB8:0::9', '2001:db8::9'],
  ['the peer is IPv4 mapped into IPv6', '::ffff:127.0.0.1', '203.0.113.9', '203.0.113.9'],
  ['the caller is IPv4 mapped into IPv6', '127.0.0.1', '::ffff:cb00:7109', '203.0.113.9'],
  ['the caller wrote a hop of its own', '127.0.0.1', '10.0.0.1, 203.0.113.9', '203.0.113.9'],
  ['the caller wrote rubbish before', '127.0.0.1', 'rubbish, 203.0.113.9', '203.0.113.9'],
  ['the last hop is rubbish', '127.0.0.1', '203.0.113.9, rubbish', 'unknown'],
  ['rubbish stands before trusted hops', '127.0.0.1', 'rubbish, 127.0.0.2', 'unknown'],
  ['a hop is empty', '127.0.0.1', '203.0.113.9,', 'unknown'],
  ['a hop hides its name', '127.0.0.1', '_hidden', 'unknown'],
  ['a hop says that it does not know', '127.0.0.1', 'unknown', 'unknown'],
  ['a hop is written as a number', '127.0.0.1', '0x7f.1', 'unknown'],
  ['the header is empty', '127.0.0.1', ' ', '127.0.0.1'],
  ['all hops are trusted', '127.0.0.1', '127.0.0.2, 127.0.0.3', '127.0.0.2'],
  ['the caller is behind a unix socket of the proxy', '127.0.0.1', 'unix', 'unix'],
  ['a hop has a port', '127.0.0.1', '203.0.113.9:4711', '203.0.113.9'],
  ['a hop has a port over IPv6', '127.0.0.1', '[2001:db8::9]:4711', '2001:db8::9'],
  ['the peer is not known', 'unknown', '203.0.113.9', 'unknown'],
  ['the peer has a zone', 'fe80::1%eth0', '203.0.113.9', 'fe80::1'],
  ['a hop has a zone', '127.0.0.1', 'fe80::1%eth0', 'fe80::1'],
])('tells where the caller is when %s', (_, peer, header, expected) => {
  expect(forwardedAddress(proxies(), peer, header)).toBe(expected);
});

it('walks over each hop that is trusted, and no further', () => {
  const trusted = proxies('loopback, private, 198.51.100.0/24, 2001:db8::1');
  const hops = '192.0.2.1, 203.0.113.9, 2001:db8::1, 198.51.100.7, 172.31.0.1';
  expect(forwardedAddress(trusted, '10.1.2.3', hops)).toBe('203.0.113.9');
  expect(forwardedAddress(trusted, '198.51.101.1', hops)).toBe('198.51.101.1');
});

it('trusts nobody when it is told to', () => {
  expect(forwardedAddress(proxies('none'), '127.0.0.1', '203.0.113.9')).toBe('127.0.0.1');
  expect(forwardedAddress(proxies('none'), 'unix', '203.0.113.9')).toBe('unix');
});

it('does not take private networks for this machine, nor the other way round', () => {
  expect(forwardedAddress(proxies('private'), '127.0.0.1', '203.0.113.9')).toBe('127.0.0.1');
  expect(forwardedAddress(proxies('private'), 'unix', '203.0.113.9')).toBe('unix');
  expect(forwardedAddress(proxies('loopback'), '10.0.0.1', '203.0.113.9')).toBe('10.0.0.1');
});

test.each(['proxy.example.com', '10.0.0.0/33', '::1/129', '10.0.0.0/', 'loopback,', '10.0.0.1/8/8', 'constructor'])(
  'refuses "%s" as a list of proxies',
  (value) => {
    expect(() => proxies(value)).toThrow(/^TRUSTED_PROXIES: "/);
  },
);
