/** HTTP/2 on the listener of HTTP/1.1: over TLS where ALPN says so, in clear text where a connection begins with the preface. */
import type { IncomingMessage, OutgoingHttpHeaders, Server, ServerResponse } from 'node:http';
import {
  constants,
  createServer,
  Http2ServerRequest,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { firstBytes } from './first-bytes.ts';
import type { HttpLimits } from './limits.ts';

/** What a client that knows the server speaks HTTP/2 begins with. @see https://www.rfc-editor.org/rfc/rfc9113#section-3.4 */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** The protocols that a TLS listener agrees to, the preferred one first. */
export const alpnProtocols = ['h2', 'http/1.1'];

/** How long a connection without a request is kept, in milliseconds; as long as Fastify keeps those of HTTP/1.1. */
const idleMs = 72_000;

/** How many bytes of a request body may come before they are read. */
const windowBytes = 256 * 1024;

type Http2Limits = Pick<HttpLimits, 'maxHeaderBytes' | 'maxHeaders' | 'headersTimeoutMs' | 'maxStreams'>;

/** The connections of HTTP/2 that a server has, for the time when it closes. */
export interface Http2Connections {
  /** Takes no more requests on them; each closes when those under way are answered. */
  close(): void;
}

/**
 * Has a server of Node's `http` or `https` take HTTP/2 as well. Its requests are those of the server: they come by its event
 * `request`, as Node's compatibility layer shows them.
 *
 * @param secure whether the server speaks TLS; it has to agree to `alpnProtocols` then
 */
export function acceptHttp2(
  server: Server,
  secure: boolean,
  { maxHeaderBytes, maxHeaders, headersTimeoutMs, maxStreams }: Http2Limits,
  responseClass: ServerOptions['Http2ServerResponse'],
): Http2Connections {
  const http2 = createServer({
    Http2ServerResponse: responseClass,
    maxHeaderListPairs: maxHeaders + 10, // with the pseudo-headers, and so that one beyond is refused by its name
    settings: {
      enablePush: false,
      initialWindowSize: windowBytes,
      maxConcurrentStreams: maxStreams,
      maxHeaderListSize: maxHeaderBytes,
    },
    unknownProtocolTimeout: headersTimeoutMs,
  });
  const sessions = new Set<ServerHttp2Session>();
  http2.on('session', (session) => {
    sessions.add(session);
    const silent = setTimeout(() => session.destroy(), headersTimeoutMs);
    let streams = 0;
    session.on('stream', (stream) => {
      clearTimeout(silent);
      streams += 1;
      stream.once('close', () => (streams -= 1));
    });
    session.setTimeout(idleMs, () => {
      if (streams === 0) session.close();
    });
    session.once('close', () => {
      clearTimeout(silent);
      sessions.delete(session);
    });
  });
  http2.on('request', (request, response) => {
    request.headers.host ??= request.headers[':authority'];
    if (!request.stream.endAfterHeaders) stopUploadWhenAnswered(request.stream);
    server.emit('request', request, response);
  });
  for (const event of ['checkContinue', 'checkExpectation'] as const)
    http2.on(event, (request: Http2ServerRequest, response: unknown) => {
      request.headers.host ??= request.headers[':authority'];
      server.emit(event, request, response);
    });

  const event = secure ? 'secureConnection' : 'connection';
  const [speakHttp1] = server.listeners(event) as ((socket: Socket) => void)[];
  if (speakHttp1 === undefined) throw new Error(`the server has no listener of its own for ${event}`);
  server.off(event, speakHttp1);
  const speakHttp2 = (socket: Socket): boolean => http2.emit('connection', socket);
  server.on(event, (socket: Socket) => {
    if (socket.destroyed) return;
    if (secure) {
      if ((socket as TLSSocket).alpnProtocol === 'h2') speakHttp2(socket);
      else speakHttp1.call(server, socket);
      return;
    }
    firstBytes(socket, preface, headersTimeoutMs, (isPreface) =>
      isPreface ? speakHttp2(socket) : speakHttp1.call(server, socket),
    );
  });
  return {
    close: () => {
      for (const session of sessions) session.close();
    },
  };
}

/**
 * Tells a client that goes on sending a body when its answer is whole: nobody reads it any more.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9113#section-8.1-10
 */
function stopUploadWhenAnswered(stream: ServerHttp2Stream): void {
  // The trailers go out in the next turn, by a listener that Node added before.
  stream.once('wantTrailers', () => setImmediate(stopUpload, stream));
}

function stopUpload(stream: ServerHttp2Stream): void {
  if (!stream.destroyed && stream.state.remoteClose === 0) stream.close(constants.NGHTTP2_NO_ERROR);
}

/** Answers with headers alone, in one frame over HTTP/2, whatever of the request is still to come. */
export function endWithHeaders(response: ServerResponse, headers: OutgoingHttpHeaders): void {
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
  response.end();
  const { stream } = response as ServerResponse & { readonly stream?: ServerHttp2Stream };
  if (stream !== undefined) setImmediate(stopUpload, stream);
}

/** Whether a request came over HTTP/2. */
export function isHttp2(request: unknown): request is Http2ServerRequest {
  return request instanceof Http2ServerRequest;
}

/** Whether a request broke off: over HTTP/2 its body looks as if it had come to its end. */
export function brokeOff(request: IncomingMessage): boolean {
  return isHttp2(request) && request.aborted;
}

/** Ends an answer so that its reader sees that it is not whole. */
export function breakOff(response: ServerResponse): void {
  const { stream } = response as ServerResponse & { readonly stream?: ServerHttp2Stream };
  if (stream === undefined) response.destroy();
  else stream.close(constants.NGHTTP2_INTERNAL_ERROR);
}
