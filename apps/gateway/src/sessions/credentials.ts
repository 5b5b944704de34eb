import type { IncomingMessage } from 'node:http';
import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';
import { secretsOf } from '@rollcall/transcoder';
import { sessionOf } from './cookie.ts';

/** The query parameter of GET that holds a ticket, for those who cannot send headers. */
export const ticketParameter = 'access_ticket';

/** What a request is signed in by. */
export interface Credential {
  readonly kind: 'header' | 'cookie' | 'ticket';
  /** What goes along with the call as `authorization`. */
  readonly authorization: string;
}

/**
 * The credential of a request, as the service takes it; undefined when it has none. Browsers send a cookie whether they
 * are asked to or not, so beside an Authorization header it counts for nothing.
 *
 * @param secure whether the client speaks TLS
 * @throws RpcError UNAUTHENTICATED when a ticket stands in a header; INVALID_ARGUMENT when it has several, for it is not said on whose behalf it is then
 */
export function credentialOf(request: IncomingMessage, secure: boolean): Credential | undefined {
  const headers = authorizationsOf(request).map((authorization) => credential('header', authorization));
  if (headers.some(({ authorization }) => ticketInHeader.test(authorization))) throw ticketElsewhere();
  const session = headers.length > 0 ? undefined : sessionOf(request, secure);
  const tickets = secretsOf(request).map((ticket) => credential('ticket', bearer(ticket)));
  const all = [...headers, ...(session === undefined ? [] : [credential('cookie', bearer(session))]), ...tickets];
  if (all.length > 1)
    throw malformed(`The request has several credentials: ${all.map(({ kind }) => names[kind]).join(', ')}. Send one.`);
  if (tickets.length > 0 && request.method !== 'GET') throw malformed('Only GET takes a ticket in the URL.');
  return all[0];
}

/** The values of all Authorization headers: Node's `headers` has the first alone. */
function authorizationsOf({ headers, rawHeaders }: IncomingMessage): string[] {
  if (headers.authorization === undefined) return [];
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'authorization');
}

/** What a ticket begins with. It stands in URLs, which leak: so it is good for nothing but the stream of one. */
const ticketInHeader = /^Bearer +rck_/i;

function ticketElsewhere(): RpcError {
  const message = `A ticket opens a stream by the parameter ${ticketParameter} of a GET, and does nothing else.`;
  return new RpcError(Status.UNAUTHENTICATED, 'CREDENTIAL_INVALID', message);
}

const names = {
  header: 'an Authorization header',
  cookie: 'a session cookie',
  ticket: `the parameter ${ticketParameter}`,
} as const;

function credential(kind: Credential['kind'], authorization: string): Credential {
  return { kind, authorization };
}

function bearer(secret: string): string {
  return `Bearer ${secret}`;
}

function malformed(message: string): RpcError {
  return new RpcError(Status.INVALID_ARGUMENT, 'MALFORMED_REQUEST', message);
}
