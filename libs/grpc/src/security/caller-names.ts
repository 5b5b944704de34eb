import type { X509Certificate } from 'node:crypto';
import type { ServerHttp2Session } from 'node:http2';
import { TLSSocket } from 'node:tls';

const known = new WeakMap<ServerHttp2Session, readonly string[]>();

/**
 * The DNS names, in lower case, of the certificate by which a caller has shown who it is; none when it was not asked
 * for one. They are the same for all calls of a connection, and read once.
 */
export function callerNames(session: ServerHttp2Session): readonly string[] {
  let names = known.get(session);
  if (names === undefined) {
    if (session.destroyed) return []; // nobody waits for what is decided by them
    const certificate = callerCertificate(session);
    known.set(session, (names = Object.freeze(certificate === undefined ? [] : dnsNames(certificate))));
  }
  return names;
}

/** The certificate of a caller, when it was verified. */
export function callerCertificate({ socket }: ServerHttp2Session): X509Certificate | undefined {
  const { authorized, getPeerX509Certificate } = socket as Partial<TLSSocket>;
  return authorized === true ? getPeerX509Certificate?.() : undefined;
}

/** OpenSSL confirms each name: a list in one string invites names that contain separators. */
function dnsNames(certificate: X509Certificate): string[] {
  const listed = certificate.subjectAltName?.matchAll(/DNS:([^\s,"]+)/g) ?? [];
  const options = { subject: 'never', wildcards: false } as const;
  return [...listed]
    .map(([, name = '']) => name)
    .filter((name) => certificate.checkHost(name, options) !== undefined)
    .map((name) => name.toLowerCase());
}
