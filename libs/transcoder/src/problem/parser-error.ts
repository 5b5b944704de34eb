import type { Socket } from 'node:net';
import { status as Status } from '@grpc/grpc-js';
import { requestIdOf, RpcError } from '@rollcall/grpc';
import type { HttpLimits } from '../http/limits.ts';
import { type Problem, problemHeaders, problemOf } from './problem.ts';
import { type RequestHead, securityHeaders } from '../http/security-headers.ts';

export type ParserError = NodeJS.ErrnoException & { readonly rawPacket?: unknown };

/**
 * Answers what the HTTP parser fails at: there is no request then, and the answer is written to the socket.
 *
 * @param headersOf headers of the answer, by what can be read of the head
 */
export function answerParserError(
  error: ParserError,
  socket: Socket,
  limits: Pick<HttpLimits, 'maxUrlBytes' | 'maxHeaderBytes' | 'headersTimeoutMs'>,
  headersOf: (head: RequestHead) => Readonly<Record<string, string>>,
): void {
  // Nor is there anyone who could read it before TLS is established.
  if (error.code === 'ECONNRESET' || error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT' || !socket.writable) {
    socket.destroy();
    return;
  }
  const headers = headersIn(error.rawPacket);
  const problem = problemOf(known(error, limits), requestIdOf(headers['x-request-id']));
  answerOnSocket(socket, problem, headersOf({ headers, socket }));
}

/** Answers on a socket, where there is no response to answer with, and closes it. */
export function answerOnSocket(socket: Socket, problem: Problem, more: Readonly<Record<string, string>>): void {
  const body = JSON.stringify(problem);
  const headers = {
    ...securityHeaders,
    ...more,
    ...problemHeaders(problem),
    'x-request-id': problem.requestId,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${problem.status} ${problem.title}\r\n${lines.join('')}\r\n${body}`);
}

/** The headers that can be made out in what the parser failed at, the first of each name: good for an answer, and for nothing else. */
function headersIn(packet: unknown): Record<string, string> {
  const text = Buffer.isBuffer(packet) ? packet.toString('latin1') : '';
  const headers: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(/^([\w-]+):[ \t]*([!-~]+)[ \t]*\r$/gm))
    headers[name.toLowerCase()] ??= value;
  return headers;
}

function known(
  { code, rawPacket }: ParserError,
  { maxUrlBytes, maxHeaderBytes, headersTimeoutMs }: Parameters<typeof answerParserError>[2],
): RpcError {
  switch (code ?? '') {
    case 'HPE_HEADER_OVERFLOW':
      return startsWithUrlBeyond(rawPacket, maxUrlBytes)
        ? new RpcError(Status.INVALID_ARGUMENT, 'URL_TOO_LONG', `The URL is longer than ${maxUrlBytes} bytes.`)
        : new RpcError(
            Status.INVALID_ARGUMENT,
            'HEADERS_TOO_LARGE',
            `The URL and the headers are larger than ${maxHeaderBytes} bytes.`,
          );
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new RpcError(
        Status.DEADLINE_EXCEEDED,
        'REQUEST_TOO_SLOW',
        `The headers did not arrive within ${headersTimeoutMs} ms.`,
      );
    default:
      return new RpcError(Status.INVALID_ARGUMENT, 'MALFORMED_REQUEST', 'The request is not HTTP/1.1.');
  }
}

/** Whether what came last begins with a request line whose URL is too long. */
function startsWithUrlBeyond(packet: unknown, maxUrlBytes: number): boolean {
  const text = Buffer.isBuffer(packet) ? packet.toString('latin1') : '';
  const [, target = ''] = /^[A-Z-]+ ([^ \r\n]*)/.exec(text) ?? [];
  return target.length > maxUrlBytes;
}
