import { BlockList, isIP } from 'node:net';
import type { Environment } from '@rollcall/environment';
import { plainAddress } from './address-keys.ts';

/** The proxies that are believed when they say on whose behalf they call. */
export interface TrustedProxies {
  /** @param address an address as `plainAddress` writes it, or `unix` */
  has(address: string): boolean;
}

/** What callers behind a unix socket have in place of an address. */
export const unixPeer = 'unix';

/** What stands for an address that cannot be read. It is never trusted, never on this machine, and counts as one caller. */
export const unknownAddress = 'unknown';

const words: Readonly<Record<string, readonly string[]>> = {
  none: [],
  loopback: ['127.0.0.0/8', '::1'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', 'fc00::/7', 'fe80::/10'],
};

/**
 * Reads `TRUSTED_PROXIES`: addresses, networks such as `10.1.0.0/16`, and the words `loopback`, `private` and `none`,
 * separated by commas; `loopback` by default. Behind a unix socket is loopback.
 *
 * @throws Error that names the variable whose value is wrong
 */
export function readTrustedProxies(env: Environment): TrustedProxies {
  const entries = (env['TRUSTED_PROXIES'] || 'loopback').split(',').map((entry) => entry.trim());
  const list = new BlockList();
  for (const entry of entries) {
    for (const network of (Object.hasOwn(words, entry) ? words[entry] : undefined) ?? [entry]) {
      if (!addNetwork(list, network)) {
        throw new Error(
          `TRUSTED_PROXIES: "${entry}" is no address, no network such as 10.1.0.0/16, and none of ${Object.keys(words).join(', ')}`,
        );
      }
    }
  }
  const unix = entries.includes('loopback');
  return {
    has: (address) => {
      if (address === unixPeer) return unix;
      const version = isIP(address);
      return version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4');
    },
  };
}

/**
 * Where a caller is. A trusted peer tells it in X-Forwarded-For, to which each proxy adds whom it was called by: the
 * last one there that is not itself trusted is the caller, and what stands before it anybody may have written.
 *
 * @param peerAddress the address of the peer without its port, or `unix`; anything else, such as `unknown`, is never trusted
 * @param forwardedFor the values of X-Forwarded-For, joined by commas
 * @returns an address in its plain form, or `unix`; `unknown` when the header cannot be read where the caller would stand
 */
export function forwardedAddress(
  trusted: TrustedProxies,
  peerAddress: string,
  forwardedFor: string | undefined,
): string {
  const peer = hopAddress(peerAddress) ?? peerAddress;
  if (forwardedFor === undefined || forwardedFor.trim() === '' || !trusted.has(peer)) return peer;
  let address = peer;
  for (const hop of forwardedFor.split(',').toReversed()) {
    const next = hopAddress(withoutPort(hop.trim()));
    if (next === undefined) return unknownAddress;
    address = next;
    if (!trusted.has(address)) break;
  }
  return address;
}

function hopAddress(text: string): string | undefined {
  if (text === unixPeer) return text;
  const known = hopAddresses.get(text);
  if (known !== undefined) return known;
  const plain = plainAddress(text);
  if (plain === undefined) return undefined;
  if (hopAddresses.size >= 1000) hopAddresses.clear();
  hopAddresses.set(text, plain);
  return plain;
}

/** Those that were asked for: the same ones come again and again. */
const hopAddresses = new Map<string, string>();

/** Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function withoutPort(hop: string): string {
  return /^\[(.+)\](?::\d+)?$/.exec(hop)?.[1] ?? /^([\d.]+):\d+$/.exec(hop)?.[1] ?? hop;
}

function addNetwork(list: BlockList, network: string): boolean {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(network) ?? [];
  const version = isIP(address);
  if (version === 0) return false;
  const max = version === 6 ? 128 : 32;
  const prefix = bits === undefined ? max : Number(bits);
  if (prefix > max) return false;
  list.addSubnet(address, prefix, version === 6 ? 'ipv6' : 'ipv4');
  return true;
}
