import type { IncomingMessage } from 'node:http';
import type { ServerOptions as HttpsOptions } from 'node:https';
import { finished } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { status as Status } from '@grpc/grpc-js';
import { requestIdOf, RpcError } from '@rollcall/grpc';
import { defaultHttpLimits, type HttpLimits } from './http-limits.ts';
import { answerParserError } from './parser-error.ts';
import { problemOf } from './problem.ts';
import { lingerMs, sendProblem } from './problem.filter.ts';
import { targetLength, withoutSecret } from './secret-parameter.ts';
import { SilentConnections } from './silent-connections.ts';
import { answersWith } from './security-headers.ts';

export interface AdapterOptions {
  /** What is too much to take; the limits of bodies are those of the TranscoderModule. */
  readonly limits?: Partial<Omit<HttpLimits, 'maxBodyBytes' | 'bodyTimeoutMs'>>;
  /** A query parameter that is a secret. It is taken out of the URL, and found with `secretsOf`. */
  readonly secretParameter?: string;
  /** What an HTTPS server is made with; without it the app serves HTTP. */
  readonly https?: HttpsOptions | undefined;
  /** Headers of every answer to a request, beside `securityHeaders`. */
  readonly headersOf?: (request: IncomingMessage) => Readonly<Record<string, string>>;
}

/**
 * A Fastify adapter for an app with the TranscoderModule. Bodies are left to the transcoder, which reads them by the
 * contract; errors of the HTTP parser are problem documents too. Create the app with `{ bodyParser: false }`.
 */
export function transcoderAdapter({ limits, secretParameter, headersOf, https }: AdapterOptions = {}): FastifyAdapter {
  const { maxUrlBytes, maxHeaderBytes, maxHeaders, headersTimeoutMs } = { ...defaultHttpLimits, ...limits };
  const most = { maxUrlBytes, maxHeaderBytes, maxHeaders, headersTimeoutMs };
  const server = {
    maxHeaderSize: maxHeaderBytes + 1, // the parser refuses what has this size
    headersTimeout: headersTimeoutMs,
    requestTimeout: 0, // a stream of requests may take as long as it likes
    connectionsCheckingInterval: Math.min(1000, headersTimeoutMs),
    requireHostHeader: false, // Node's refusal is no problem document
    ServerResponse: answersWith(headersOf),
    optimizeEmptyRequests: true,
  };
  const adapter = new FastifyAdapter({
    ...(https === undefined ? { http: server } : { https: { ...https, ...server } }),
    routerOptions: { maxParamLength: maxHeaderBytes },
    genReqId: (request: IncomingMessage) => requestIdOf(request.headers['x-request-id']),
    forceCloseConnections: 'idle',
    ...(secretParameter !== undefined && {
      rewriteUrl: (request: { url?: string | undefined; originalUrl?: string }) =>
        (request.originalUrl = withoutSecret(request, secretParameter)),
    }),
    clientErrorHandler: answerParserError(most),
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      const known = new RpcError(
        Status.INVALID_ARGUMENT,
        'MALFORMED_REQUEST',
        'The path is not percent-encoded UTF-8.',
        { cause: error },
      );
      sendProblem(reply, request, problemOf(known, request.id));
    },
  });
  const fastify = adapter.getInstance();
  const silent = new SilentConnections(fastify.server, https !== undefined);
  fastify.addHook('preClose', () => {
    silent.destroy();
    return Promise.resolve();
  });
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request, _payload, done) => done(null));
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    const refused = refusal(request.raw, most);
    if (refused === undefined) done();
    else sendProblem(reply, request, problemOf(refused, request.id));
  });
  fastify.addHook('onResponse', ({ raw }, _reply, done) => {
    if (!raw.complete) hangUp(raw);
    done();
  });
  return adapter;
}

function refusal(
  request: IncomingMessage,
  { maxUrlBytes, maxHeaders }: Pick<HttpLimits, 'maxUrlBytes' | 'maxHeaders'>,
): RpcError | undefined {
  if (targetLength(request) > maxUrlBytes)
    return new RpcError(Status.INVALID_ARGUMENT, 'URL_TOO_LONG', `The URL is longer than ${maxUrlBytes} bytes.`);
  const { rawHeaders } = request;
  if (rawHeaders.length / 2 > maxHeaders)
    return new RpcError(Status.INVALID_ARGUMENT, 'HEADERS_TOO_LARGE', `There are more than ${maxHeaders} headers.`);
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts > 1 || (hosts === 0 && request.httpVersion === '1.1')
    ? new RpcError(Status.INVALID_ARGUMENT, 'MALFORMED_REQUEST', 'A request has one Host header.')
    : undefined;
}

/** Whoever was answered before the request had arrived does not hold the connection with what is left of it. */
function hangUp(request: IncomingMessage): void {
  const timer = setTimeout(() => request.socket.destroy(), lingerMs);
  finished(request, () => clearTimeout(timer));
}
