import {
  type IncomingMessage,
  type OutgoingHttpHeader,
  type OutgoingHttpHeaders,
  type ServerOptions,
  ServerResponse,
} from 'node:http';
import { type Http2ServerRequest, Http2ServerResponse, type ServerOptions as Http2Options } from 'node:http2';
import { requestIdOf } from '@rollcall/grpc';

/**
 * What every answer says to browsers, unless a page says otherwise of itself: it is data and no page, of no use to other
 * sites, not to be kept, and not to be guessed at.
 *
 * @see https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers
 */
export const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** A request whose answer has the security headers. A WeakMap would cost each request more than it is worth. */
interface SecuredRequest extends IncomingMessage {
  [secured]?: true;
}
const secured: unique symbol = Symbol('secured');

/** Gives the answer to a request the security headers: it is data of the transcoder, and no page of the app. */
export function takeSecurityHeaders(request: IncomingMessage): void {
  (request as SecuredRequest)[secured] = true;
}

/** What is known of a request from its head. */
export type RequestHead = Pick<IncomingMessage, 'headers' | 'socket'> & { readonly url?: string | undefined };

type Head = OutgoingHttpHeaders | readonly OutgoingHttpHeader[];

/** A request that has its id. A WeakMap would cost each request more than it is worth. */
interface NamedRequest extends IncomingMessage {
  [idOfRequest]?: string;
}
const idOfRequest: unique symbol = Symbol('idOfRequest');

/** Gives a request the id that its answer has as `x-request-id`: the caller's own, where it is one. */
export function nameRequest(request: IncomingMessage): string {
  return ((request as NamedRequest)[idOfRequest] = requestIdOf(request.headers['x-request-id']));
}

/**
 * The class that Node is to make every answer with, its own and Fastify's among them, so that none goes without its
 * headers. They join the others when the head is written: set beforehand, one by one, they cost several times as much.
 *
 * @param headersOf gives more of them
 */
export function answersWith(
  headersOf: ((request: RequestHead) => Readonly<Record<string, string>>) | undefined,
): NonNullable<ServerOptions['ServerResponse']> {
  return class<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
    override writeHead(status: number, reason?: string | Head, head?: Head): this {
      const whole = wholeHead(this, this.req, headersOf, typeof reason === 'string' ? head : reason);
      return typeof reason === 'string' ? super.writeHead(status, reason, whole) : super.writeHead(status, whole);
    }
  };
}

/** The same for HTTP/2, which has no phrases and no headers of the connection. */
export function answersOverHttp2With(
  headersOf: ((request: RequestHead) => Readonly<Record<string, string>>) | undefined,
): NonNullable<Http2Options['Http2ServerResponse']> {
  return class<Request extends Http2ServerRequest = Http2ServerRequest> extends Http2ServerResponse<Request> {
    override writeHead(status: number, reason?: string | Head, head?: Head): this {
      const request = this.req as unknown as IncomingMessage;
      const whole = wholeHead(this, request, headersOf, typeof reason === 'string' ? head : reason);
      for (const name of ofConnection) delete whole[name];
      return super.writeHead(status, whole);
    }
  };
}

/** @see https://www.rfc-editor.org/rfc/rfc9113#section-8.2.2 */
const ofConnection = ['connection', 'keep-alive', 'transfer-encoding', 'upgrade'];

function wholeHead(
  response: Pick<ServerResponse, 'getHeaderNames' | 'getHeader'>,
  request: IncomingMessage,
  headersOf: ((request: RequestHead) => Readonly<Record<string, string>>) | undefined,
  given: Head | undefined,
): OutgoingHttpHeaders {
  const whole: OutgoingHttpHeaders = {
    ...((request as SecuredRequest)[secured] && securityHeaders),
    ...headersOf?.(request),
  };
  whole['x-request-id'] = (request as NamedRequest)[idOfRequest] ?? nameRequest(request);
  for (const name of response.getHeaderNames()) whole[name] = response.getHeader(name);
  if (isList(given)) {
    for (let at = 0; at < given.length; at += 2) whole[String(given[at]).toLowerCase()] = given[at + 1];
  } else for (const name in given) whole[name.toLowerCase()] = given[name];
  return whole;
}

function isList(head: Head | undefined): head is readonly OutgoingHttpHeader[] {
  return Array.isArray(head);
}
