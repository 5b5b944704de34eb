import type { IncomingMessage } from 'node:http';
import { status as Status } from '@grpc/grpc-js';
import { proxySign, unixPeer } from '@rollcall/access';
import { isLoopback } from '@rollcall/environment';
import { RpcError } from '@rollcall/grpc';
import type { Clients } from '../http/clients.ts';
import { sessionOf } from './cookie.ts';

/** The verbs that change nothing. */
const reads = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Which pages and addresses may use the gateway. */
export interface OriginRules {
  readonly protectedMode: boolean;
  readonly publicUrl: string;
  readonly corsOrigins: readonly string[];
}

/**
 * Keeps pages of other origins from using what a browser lends them: the session cookie, and in protected mode the place
 * on this machine, which is all that it takes there.
 */
export class OriginCheck {
  readonly #protectedMode: boolean;
  readonly #publicUrl: URL;
  readonly #corsOrigins: ReadonlySet<string>;
  readonly #clients: Clients;
  /** Whether Host headers lead here: the same ones come again and again. */
  readonly #hosts = new Map<string, boolean>();

  constructor(config: OriginRules, clients: Clients) {
    this.#protectedMode = config.protectedMode;
    this.#publicUrl = new URL(config.publicUrl);
    this.#corsOrigins = new Set(config.corsOrigins);
    this.#clients = clients;
  }

  /** @throws RpcError PERMISSION_DENIED when a request uses what is not its own */
  check(request: IncomingMessage): void {
    if (this.#protectedMode) this.#checkLocal(request);
    else this.#checkCookie(request);
  }

  /** Checks a request that signs in. @throws RpcError PERMISSION_DENIED when another site's page would sign its visitor in */
  checkSignIn(request: IncomingMessage): void {
    if (this.#madeBy(request) === 'foreign') throw foreign(foreignPage);
  }

  /** A name that leads here is not yet ours: a site may have its own name lead to this machine (DNS rebinding). */
  #checkLocal(request: IncomingMessage): void {
    if (!this.#leadsHere(request.headers.host ?? ''))
      throw foreign('The Host header names neither this machine nor the host of PUBLIC_URL.');
    const address = this.#clients.address(request);
    const sign = proxySign(Object.keys(request.headers));
    if (sign !== undefined || (address !== unixPeer && !isLoopback(address)))
      throw foreign(
        `In protected mode callers are on this machine${sign === undefined ? '' : `, and ${sign} shows a proxy`}. Set OIDC_ISSUER or LOCAL_SIGN_IN=1 for others.`,
      );
    if (this.#madeBy(request) !== 'foreign' || isNavigation(request)) return;
    if (request.headers.origin !== undefined && this.#corsOrigins.has('*')) return;
    throw foreign(foreignPage);
  }

  #leadsHere(header: string): boolean {
    const known = this.#hosts.get(header);
    if (known !== undefined) return known;
    const host = /^(\[[^\]]+\]|[^:[\]]+)(?::\d*)?$/.exec(header)?.[1]?.toLowerCase() ?? '';
    const ours = isLoopback(host.replace(/^\[|\]$/g, '')) || host === this.#publicUrl.hostname;
    if (this.#hosts.size >= 100) this.#hosts.clear();
    this.#hosts.set(header, ours);
    return ours;
  }

  #checkCookie(request: IncomingMessage): void {
    const { method = '', headers } = request;
    // What opens a WebSocket is as good as a write: its page may read and send.
    const changesNothing = reads.has(method) && headers.upgrade === undefined;
    if (changesNothing || headers.cookie === undefined || headers.authorization !== undefined) return;
    if (sessionOf(request, this.#clients.isSecure(request)) === undefined || this.#madeBy(request) === 'own') return;
    throw foreign(
      'A write by the session cookie takes an Origin header of this site. Programs send "authorization: Bearer …".',
    );
  }

  /**
   * Whether a page of ours made a request, or one of another origin. Programs say nothing of it, and neither do browsers
   * of what their user typed in.
   *
   * @see https://www.w3.org/TR/fetch-metadata/
   */
  #madeBy(request: IncomingMessage): 'own' | 'foreign' | 'unsaid' {
    const { origin, 'sec-fetch-site': site } = request.headers;
    if (site === 'same-origin') return 'own';
    if (origin !== undefined) return this.#isOurs(origin, request) ? 'own' : 'foreign';
    return site === undefined || site === 'none' ? 'unsaid' : 'foreign';
  }

  #isOurs(origin: string, request: IncomingMessage): boolean {
    const own = `${this.#clients.isSecure(request) ? 'https' : 'http'}://${request.headers.host?.toLowerCase()}`;
    return origin === own || origin === this.#publicUrl.origin || (origin !== '*' && this.#corsOrigins.has(origin));
  }
}

/** Whether the browser shows the answer to its user as a page of its own, where other pages see nothing of it. */
function isNavigation({ method = '', headers }: IncomingMessage): boolean {
  return reads.has(method) && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
}

const foreignPage = 'A page of another origin made the request. CORS_ORIGINS names the origins whose pages may.';

function foreign(message: string): RpcError {
  return new RpcError(Status.PERMISSION_DENIED, 'FOREIGN_ORIGIN', message);
}
