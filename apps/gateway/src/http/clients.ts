import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { addressKeys, forwardedAddress, type TrustedProxies, unixPeer, unknownAddress } from '@rollcall/access';
import type { RequestHead } from '@rollcall/transcoder';

/** Who is at the other end of a request: the client, behind the proxies that are trusted. */
export class Clients {
  readonly #trusted: TrustedProxies;
  /** What a peer is called whose socket has no address. Elsewhere than on a unix socket it has gone away, and is nobody to trust. */
  readonly #nameless: string;

  /** @param overUnix whether requests come over a unix socket */
  constructor(trusted: TrustedProxies, overUnix: boolean) {
    this.#trusted = trusted;
    this.#nameless = overUnix ? unixPeer : unknownAddress;
  }

  /** The address of the client, or `unix`. */
  address(request: RequestHead): string {
    return forwardedAddress(this.#trusted, this.#peer(request), textOf(request.headers['x-forwarded-for']));
  }

  /** Whom a connection counts for; undefined when it is that of a trusted proxy, which brings many clients. */
  connectionOf({ remoteAddress }: Socket): string | undefined {
    const peer = forwardedAddress(this.#trusted, remoteAddress ?? this.#nameless, undefined);
    return this.#trusted.has(peer) ? undefined : addressKeys(peer).one;
  }

  /** Whether the client speaks TLS, to this server or to a trusted proxy. */
  isSecure(request: RequestHead): boolean {
    if (request.socket instanceof TLSSocket) return true;
    const protocols = textOf(request.headers['x-forwarded-proto']);
    if (protocols === undefined) return false;
    const [protocol = ''] = protocols.split(',', 1);
    const peer = forwardedAddress(this.#trusted, this.#peer(request), undefined);
    return protocol.trim().toLowerCase() === 'https' && this.#trusted.has(peer);
  }

  #peer({ socket }: RequestHead): string {
    return socket.remoteAddress ?? this.#nameless;
  }
}

function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join() : header;
}
