import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Whom an address counts as. Whoever has one IPv6 address has all of its /64, and often all of its /48. */
export interface AddressKeys {
  /** The address itself over IPv4; its /64 over IPv6; what is no address stands for itself. */
  readonly one: string;
  /** The /48 of an IPv6 address. Its networks together may do ten times what one may. */
  readonly site: string | undefined;
}

/** How many are remembered: the same ones come again and again. */
const maxKnown = 1000;

const known = new Map<string, AddressKeys>();

/** Whom an address counts as, wherever callers are counted by their address: rates, connections, bodies, denials. */
export function addressKeys(address: string): AddressKeys {
  let keys = known.get(address);
  if (keys === undefined) {
    keys = keysOf(address);
    if (known.size >= maxKnown) known.clear();
    known.set(address, keys);
  }
  return keys;
}

/**
 * An address as it is written and compared everywhere: IPv4 in dots, also where IPv6 maps it; IPv6 in the short form of
 * RFC 5952, without its zone, which names a network card of ours. Undefined when it is none.
 */
export function plainAddress(text: string): string | undefined {
  return parsed(text)?.toString();
}

function parsed(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (isIP(text) === 0) return undefined; // the library takes octal numbers and `127.1` as well
  const [address = ''] = text.split('%', 1);
  return ipaddr.process(address);
}

function keysOf(address: string): AddressKeys {
  const ip = parsed(address);
  if (ip === undefined || ip.kind() === 'ipv4') return { one: ip?.toString() ?? address, site: undefined };
  const network = (bits: number): string =>
    `${ipaddr.IPv6.networkAddressFromCIDR(`${ip.toString()}/${bits}`).toString()}/${bits}`;
  return { one: network(64), site: network(48) };
}
