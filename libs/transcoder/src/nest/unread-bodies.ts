import type { FastifyInstance, RouteOptions } from 'fastify';
import { takeSecurityHeaders } from '../http/security-headers.ts';
import { askForBody } from '../request/body-continue.ts';

/** A media type of which Fastify reads no byte. No request has it: those of derived routes get it for one moment. */
const unread = 'application/vnd.transcoder.unread';

/** Whether a route of Fastify was derived from a contract. */
function isDerived({ constraints }: Pick<RouteOptions, 'constraints'>): boolean {
  return constraints !== undefined && 'rpc' in constraints;
}

/**
 * Leaves the bodies of derived routes to the transcoder, which reads them by the contract. All other routes keep the body
 * parsers of the app. Fastify picks a parser by the media type and not by the route, so a derived route shows it one that
 * nobody reads, and its own again before anything of the app sees the request.
 */
export function leaveBodiesUnread(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (route) => {
    const before = route.preParsing === undefined ? [] : [route.preParsing].flat();
    route.preParsing = [...before, isDerived(route) ? hideBody : askFirst];
  });
  fastify.addHook('onReady', (done) => {
    if (!fastify.hasContentTypeParser(unread))
      fastify.addContentTypeParser(unread, (request, _payload, parsed) => {
        request.headers = undefined as never; // those that came
        parsed(null);
      });
    done();
  });
}

type PreParsing = Extract<NonNullable<RouteOptions['preParsing']>, (...args: never[]) => void>;

const hideBody: PreParsing = (request, _reply, payload, done) => {
  takeSecurityHeaders(request.raw);
  const { 'content-type': type, 'content-length': length, 'transfer-encoding': coding } = request.raw.headers;
  if (type !== undefined || length !== undefined || coding !== undefined) request.headers = { 'content-type': unread };
  done(null, payload);
};

const askFirst: PreParsing = (request, _reply, payload, done) => {
  askForBody(request.raw);
  done(null, payload);
};
