import type { Metadata } from '@grpc/grpc-js';
import { credentialInvalid } from '../errors/access-errors.ts';

/** The longest credential, in characters. */
const maxLength = 8192;

/** @see https://www.rfc-editor.org/rfc/rfc6750#section-2.1 */
const bearer = /^Bearer ([A-Za-z0-9\-._~+/]+=*)$/i;

/** The credential of a call; undefined when it has none. @throws RpcError CREDENTIAL_INVALID when it cannot be one */
export function bearerOf(metadata: Metadata): string | undefined {
  const sent = metadata.get('authorization');
  if (sent.length === 0) return undefined;
  const [value] = sent;
  if (sent.length > 1 || typeof value !== 'string') throw credentialInvalid('there are several');
  if (value.length > 'Bearer '.length + maxLength) throw credentialInvalid('it is too long');
  const credential = bearer.exec(value)?.[1];
  if (credential === undefined) throw credentialInvalid('it is no bearer token');
  return credential;
}

/** Secrets of tickets begin so. */
const ticketPrefix = 'rck_';

/** Whether a credential can only be a ticket. */
export function isTicket(credential: string): boolean {
  return credential.startsWith(ticketPrefix);
}
