import type { IncomingMessage } from 'node:http';
import type { ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { status as Status } from '@grpc/grpc-js';
import { requestIdOf, RpcError } from '@rollcall/grpc';
import { problemContentType, problemOf } from './problem.ts';
import { sendProblem } from './problem.filter.ts';

/** The largest request line with all headers, in bytes. */
export const maxHeaderBytes = 16 * 1024;

/**
 * A Fastify adapter for an app with the TranscoderModule. Bodies are left to the transcoder, which reads them by the
 * contract; errors of the HTTP parser are problem documents too. Create the app with `{ bodyParser: false }`.
 *
 * @param https what an HTTPS server is made with; without it the app serves HTTP
 */
export function transcoderAdapter(https?: ServerOptions): FastifyAdapter {
  const adapter = new FastifyAdapter({
    ...(https === undefined
      ? { http: { maxHeaderSize: maxHeaderBytes } }
      : { https: { ...https, maxHeaderSize: maxHeaderBytes } }),
    routerOptions: { maxParamLength: maxHeaderBytes },
    genReqId: (request: IncomingMessage) => requestIdOf(request.headers['x-request-id']),
    forceCloseConnections: 'idle',
    clientErrorHandler: (error: NodeJS.ErrnoException, socket: Socket) => answerParserError(error, socket),
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
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request, _payload, done) => done(null));
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.headers({ 'x-request-id': request.id, 'x-content-type-options': 'nosniff' });
    done();
  });
  return adapter;
}

/** The HTTP parser fails before there is a request: its answer is written to the socket. */
function answerParserError(error: NodeJS.ErrnoException, socket: Socket): void {
  // Nor is there anyone who could read it before TLS is established.
  if (error.code === 'ECONNRESET' || error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, title, known] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ([
          431,
          'Request Header Fields Too Large',
          new RpcError(
            Status.INVALID_ARGUMENT,
            'REQUEST_TOO_LARGE',
            `The request line and headers are larger than ${maxHeaderBytes} bytes.`,
          ),
        ] as const)
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ([
            408,
            'Request Timeout',
            new RpcError(Status.DEADLINE_EXCEEDED, 'DEADLINE_EXCEEDED', 'The request did not arrive in time.'),
          ] as const)
        : ([
            400,
            'Bad Request',
            new RpcError(Status.INVALID_ARGUMENT, 'MALFORMED_REQUEST', 'The request is not HTTP/1.1.'),
          ] as const);
  const body = JSON.stringify({ ...problemOf(known, requestIdOf(undefined)), status, title });
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\ncontent-type: ${problemContentType}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
