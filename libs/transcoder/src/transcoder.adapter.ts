import type { IncomingMessage } from 'node:http';
import type { ServerOptions as HttpsOptions } from 'node:https';
import type { Socket } from 'node:net';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { status as Status } from '@grpc/grpc-js';
import { requestIdOf, RpcError } from '@rollcall/grpc';
import type { BodyBudgetLimits } from './http/body-budget.ts';
import { continueWhenRead } from './request/body-continue.ts';
import { acceptHttp2, alpnProtocols, isHttp2 } from './http/http2.ts';
import { defaultHttpLimits, type HttpLimits } from './http/limits.ts';
import { FixedRoutes } from './routing/fixed-routes.ts';
import { isInjected, linger } from './http/lingering-close.ts';
import { boundConnections } from './http/open-connections.ts';
import { answerOnSocket, answerParserError, type ParserError } from './problem/parser-error.ts';
import { problemOf, verbNotAllowed } from './problem/problem.ts';
import { sendProblem } from './problem/problem.filter.ts';
import { splitTarget } from './request/query.ts';
import { refusal } from './problem/refusals.ts';
import { isOfServer, routedUrl } from './routing/request-target.ts';
import { withoutSecret } from './request/secret-parameter.ts';
import { acceptWebSockets } from './websocket/handshake.ts';
import { SilentConnections } from './http/silent-connections.ts';
import { answersOverHttp2With, answersWith, nameRequest, type RequestHead } from './http/security-headers.ts';

export interface AdapterOptions {
  /** What is too much to take; the limits of bodies are those of the TranscoderModule. */
  readonly limits?: Partial<Omit<HttpLimits, 'maxBodyBytes' | 'bodyTimeoutMs' | keyof BodyBudgetLimits>>;
  /** Whom a connection counts for; undefined when it does not, such as a proxy's. By default the address of the peer. */
  readonly connectionOf?: (socket: Socket) => string | undefined;
  /** A query parameter that is a secret. It is taken out of the URL, and found with `secretsOf`. */
  readonly secretParameter?: string;
  /** What an HTTPS server is made with; without it the app serves HTTP. */
  readonly https?: HttpsOptions | undefined;
  /** Headers of every answer. Those of derived routes and problems have `securityHeaders` beside them. */
  readonly headersOf?: (request: RequestHead) => Readonly<Record<string, string>>;
  /** The headers of CORS that go with an answer to what never came to be a request, by the Origin that it names. */
  readonly corsHeadersOf?: (origin: string) => Readonly<Record<string, string>>;
}

/**
 * A Fastify adapter for an app with the TranscoderModule: with limits, HTTP/2, and problem documents also for what the HTTP
 * parser fails at.
 */
export function transcoderAdapter({
  limits,
  secretParameter,
  headersOf,
  corsHeadersOf,
  https,
  connectionOf = ({ remoteAddress }) => remoteAddress,
}: AdapterOptions = {}): FastifyAdapter {
  const within = { ...defaultHttpLimits, ...limits };
  const { maxUrlBytes, maxHeaderBytes, maxHeaders, headersTimeoutMs } = within;
  const max = { maxUrlBytes, maxHeaderBytes, maxHeaders, headersTimeoutMs };
  const server = {
    maxHeaderSize: maxHeaderBytes + 1, // the parser refuses what has this size
    headersTimeout: headersTimeoutMs,
    requestTimeout: 0, // a stream of requests may take as long as it likes
    connectionsCheckingInterval: Math.min(1000, headersTimeoutMs),
    requireHostHeader: false, // Node's refusal is no problem document
    ServerResponse: answersWith(headersOf),
    optimizeEmptyRequests: true,
  };
  const socketHeaders = (head: RequestHead): Readonly<Record<string, string>> => ({
    ...headersOf?.(head),
    ...(head.headers.origin !== undefined && corsHeadersOf?.(head.headers.origin)),
  });
  const adapter = new FastifyAdapter({
    ...(https === undefined ? { http: server } : { https: { ALPNProtocols: alpnProtocols, ...https, ...server } }),
    routerOptions: { maxParamLength: maxHeaderBytes },
    genReqId: nameRequest,
    forceCloseConnections: 'idle',
    rewriteUrl: (request: IncomingMessage & { originalUrl?: string }) => {
      request.url = routedUrl(request);
      if (secretParameter !== undefined) request.url = withoutSecret(request, secretParameter);
      return (request.originalUrl = request.url);
    },
    clientErrorHandler: (error: ParserError, socket: Socket) => answerParserError(error, socket, max, socketHeaders),
  });
  const fastify = adapter.getInstance();
  const http2 = acceptHttp2(fastify.server, https !== undefined, within, answersOverHttp2With(headersOf));
  acceptWebSockets(fastify.server, server.ServerResponse);
  boundConnections(fastify.server, within, connectionOf);
  continueWhenRead(fastify.server);
  fastify.server
    .on('checkExpectation', (request, response) => fastify.server.emit('request', request, response)) // it is refused there
    .on('connect', (request: IncomingMessage, socket: Socket) =>
      answerOnSocket(socket, problemOf(tunnel, requestIdOf(request.headers['x-request-id'])), {
        ...socketHeaders(request),
        allow: '',
      }),
    );
  const fixed = new FixedRoutes();
  fastify.addHook('onRoute', (route) => fixed.add(route));
  const silent = new SilentConnections(fastify.server, https !== undefined);
  fastify.addHook('preClose', () => {
    silent.destroy();
    http2.close();
    return Promise.resolve();
  });
  fastify.addHttpMethod('QUERY', { overrideExisting: true }); // Fastify asks for its media type before anything else
  fastify.addHook('onRequest', (request, reply, done) => {
    const refused = refusal(request.raw, request.id, max);
    if (refused !== undefined) return sendProblem(reply, request, refused);
    if (isOfServer(request.raw)) return void reply.status(204).send();
    const allow =
      request.is404 || request.method === 'OPTIONS'
        ? fixed.allow(request.method, splitTarget(request.raw.url ?? '')[0])
        : undefined;
    if (allow === undefined) return done();
    reply.header('allow', allow.join(', '));
    sendProblem(reply, request, problemOf(verbNotAllowed(request.method, allow), request.id));
  });
  fastify.addHook('onResponse', ({ raw }, _reply, done) => {
    if (!raw.complete && !isHttp2(raw) && !isInjected(raw)) linger(raw, () => raw.complete || raw.socket.destroy());
    done();
  });
  return adapter;
}

const tunnel = new RpcError(Status.UNIMPLEMENTED, 'VERB_NOT_ALLOWED', 'This is no proxy: nothing takes CONNECT.');
