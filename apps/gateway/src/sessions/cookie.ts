import type { IncomingMessage } from 'node:http';
import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';

/**
 * The name of the cookie that holds a session. Under TLS its prefix keeps others from setting it: other hosts of the
 * domain, and whoever answers for this one without TLS.
 *
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3
 */
function nameOf(secure: boolean): string {
  return secure ? '__Host-rollcall_session' : 'rollcall_session';
}

/**
 * The secret of the session in a request's cookie; undefined without one.
 *
 * @param secure whether the client speaks TLS
 * @throws RpcError INVALID_ARGUMENT when there are several
 */
export function sessionOf(request: IncomingMessage, secure: boolean): string | undefined {
  const { cookie } = request.headers;
  if (cookie === undefined) return undefined;
  const start = `${nameOf(secure)}=`;
  const secrets = cookie
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(start) && pair.length > start.length)
    .map((pair) => pair.slice(start.length));
  if (secrets.length > 1)
    throw new RpcError(
      Status.INVALID_ARGUMENT,
      'MALFORMED_REQUEST',
      `The request has several cookies ${nameOf(secure)}. Clear the cookies of this site.`,
    );
  return secrets[0];
}

/**
 * The Set-Cookie header that keeps a session. SameSite is Strict: nothing that another site starts carries the session,
 * links included. Nothing is lost by it, for pages hold no data: what they fetch is of their own site, and carries it.
 *
 * @param expires when the session expires, in milliseconds since the epoch
 */
export function keepSession(secret: string, expires: number, secure: boolean): string {
  if (!/^[\w.~+/=-]+$/.test(secret)) throw new Error('the secret of the session does not fit a cookie');
  return setCookie(secret, Math.max(0, Math.floor((expires - Date.now()) / 1000)), secure);
}

/** The Set-Cookie headers that forget a session. */
export function forgetSession(secure: boolean): string[] {
  return secure ? [setCookie('', 0, true), setCookie('', 0, false)] : [setCookie('', 0, false)];
}

function setCookie(value: string, maxAge: number, secure: boolean): string {
  return `${nameOf(secure)}=${value}; Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
}
