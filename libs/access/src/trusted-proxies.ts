import { BlockList, isIP, SocketAddress } from 'node:net';
import type { Environment } from '@rollcall/grpc';

/** The proxies that are believed when they say on whose behalf they call. */
export interface TrustedProxies {
  /** @param address an address as `plainAddress` writes it, or `unix` */
  has(address: string): boolean;
}

/** What callers behind a unix socket have in place of an address. */
export const unixPeer = 'unix';

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
 * @returns an address in its plain form, or `unix`; that of the peer when the header cannot be read
 */
export function forwardedAddress(
  trusted: TrustedProxies,
  peerAddress: string,
  forwardedFor: string | undefined,
): string {
  const peer = plainAddress(peerAddress) ?? peerAddress;
  if (forwardedFor === undefined || forwardedFor.trim() === '' || !trusted.has(peer)) return peer;
  let address = peer;
  for (const hop of forwardedFor.split(',').toReversed()) {
    const next = plainAddress(withoutPort(hop.trim()));
    if (next === undefined) return peer;
    address = next;
    if (!trusted.has(address)) break;
  }
  return address;
}

/** An address as it is written and compared everywhere: IPv4 in dots, also where IPv6 maps it. Undefined when it is none. */
function plainAddress(text: string): string | undefined {
  const known = plainAddresses.get(text);
  if (known !== undefined) return known;
  const plain = toPlainAddress(text);
  if (plain === undefined) return undefined;
  if (plainAddresses.size >= 1000) plainAddresses.clear();
  plainAddresses.set(text, plain);
  return plain;
}

/** Those that were asked for: the same ones come again and again. */
const plainAddresses = new Map<string, string>();

function toPlainAddress(text: string): string | undefined {
  if (text === unixPeer) return text;
  const address = text.replace(/%.*$/, ''); // the zone of a link-local address names a network card of ours
  switch (isIP(address)) {
    case 4:
      return address;
    case 6:
      return new SocketAddress({ address, family: 'ipv6' }).address.replace(/^::ffff:(?=[\d.]+$)/, '');
    default:
      return undefined;
  }
}

/** Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function withoutPort(hop: string): string {
  return /^\[(.+)\](?::\d+)?$/.exec(hop)?.[1] ?? /^([\d.]+):\d+$/.exec(hop)?.[1] ?? hop;
}

function addNetwork(list: BlockList, network: string): boolean {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(network) ?? [];
  const version = isIP(address);
  if (version === 0) return false;
  const most = version === 6 ? 128 : 32;
  const prefix = bits === undefined ? most : Number(bits);
  if (prefix > most) return false;
  list.addSubnet(address, prefix, version === 6 ? 'ipv6' : 'ipv4');
  return true;
}
