import type { IncomingCall } from '@rollcall/grpc';
import { forwardedAddress, type TrustedProxies, unixPeer } from './trusted-proxies.ts';

/** The metadata in which a gateway names the caller's address. */
const forwardedForKey = 'x-forwarded-for';

/**
 * Makes what tells where a call comes from: the peer, or when it is a trusted proxy, whom the proxy names.
 *
 * @param overUnix whether calls come over a unix socket. A peer without an address on any other has gone away.
 */
export function callAddress(trusted: TrustedProxies, overUnix: boolean): (call: IncomingCall) => string {
  return ({ peer, metadata }) => {
    const forwardedFor = metadata.get(forwardedForKey);
    const address = peer === 'unknown' && overUnix ? unixPeer : peer.replace(/:\d+$/, '');
    return forwardedAddress(trusted, address, forwardedFor.length === 0 ? undefined : forwardedFor.join());
  };
}
