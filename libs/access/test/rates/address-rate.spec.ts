import { expect, it, test } from 'vitest';
import { addressKeys, plainAddress } from '../../src/addresses/address-keys.ts';
import { AddressRate } from '../../src/rates/address-rate.ts';

test.each([
  ['203.0.113.9', '203.0.113.9', undefined],
  ['::ffff:203.0.113.9', '203.0.113.9', undefined],
  ['::ffff:cb00:7109', '203.0.113.9', undefined],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64', '2001:db8:1::/48'],
  ['2001:DB8:1:2:0:0:0:1', '2001:db8:1:2::/64', '2001:db8:1::/48'],
  ['2001:db8:1:2::', '2001:db8:1:2::/64', '2001:db8:1::/48'],
  ['fe80::1%eth0', 'fe80::/64', 'fe80::/48'],
  ['fe80::2%25', 'fe80::/64', 'fe80::/48'],
  ['::1', '::/64', '::/48'],
  ['unix', 'unix', undefined],
  ['unknown', 'unknown', undefined],
  ['127.1', '127.1', undefined],
])('%s counts as %s', (address, one, site) => {
  expect(addressKeys(address)).toEqual({ one, site });
});

test.each([
  ['0x7f.0.0.1'],
  ['010.0.0.1'],
  ['127.1'],
  ['2130706433'],
  ['[::1]'],
  ['1.2.3.4/32'],
  ['1.2.3.4 '],
  [''],
  ['%eth0'],
])('"%s" is no address', (text) => {
  expect(plainAddress(text)).toBeUndefined();
});

const rate = { burst: 5, perSecond: 1 };
const taken = (limit: AddressRate, addresses: readonly string[]): number =>
  addresses.filter((address) => limit.take('call', address) === 0).length;

it('is one rate for all addresses of a /64, and ten times that for all networks of a /48', () => {
  const limit = new AddressRate(rate, () => 0);
  const ofNetwork = Array.from({ length: 250 }, (_, index) => `2001:db8:1:2::${index.toString(16)}`);
  expect(taken(limit, ofNetwork)).toBe(5);
  expect(limit.wait('call', '2001:db8:1:2:ffff::')).toBe(1000);
  const ofSite = Array.from({ length: 250 }, (_, index) => `2001:db8:1:1${index.toString(16)}::1`);
  expect(taken(limit, ofSite)).toBe(45);
  expect(limit.take('call', '2001:db8:1:9999::1')).toBe(100);
  expect(limit.wait('call', '2001:db8:1:9999::1')).toBe(100);
  expect(taken(limit, ['2001:db8:2::1'])).toBe(1);
});

it('is one rate for an address however it is written, and counts each purpose by itself', () => {
  const limit = new AddressRate(rate, () => 0);
  const spellings = ['203.0.113.9', '::ffff:203.0.113.9', '::ffff:cb00:7109', '::FFFF:203.0.113.9'];
  expect(taken(limit, [...spellings, ...spellings])).toBe(5);
  expect(limit.take('sign in', '203.0.113.9')).toBe(0);
});
