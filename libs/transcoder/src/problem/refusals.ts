import type { IncomingMessage } from 'node:http';
import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';
import { isHttp2 } from '../http/http2.ts';
import type { HttpLimits } from '../http/limits.ts';
import { type Problem, problemOf } from './problem.ts';
import { targetFault } from '../routing/request-target.ts';
import { targetLength } from '../request/secret-parameter.ts';

/** What no request may be, whatever it is for. @returns the problem to answer with; undefined when it may come in */
export function refusal(
  request: IncomingMessage,
  requestId: string,
  { maxUrlBytes, maxHeaderBytes, maxHeaders }: Pick<HttpLimits, 'maxUrlBytes' | 'maxHeaderBytes' | 'maxHeaders'>,
): Problem | undefined {
  const { rawHeaders, headers, httpVersion } = request;
  const refuse = (code: Status, reason: 'MALFORMED_REQUEST' | 'URL_TOO_LONG' | 'HEADERS_TOO_LARGE', words: string) =>
    problemOf(new RpcError(code, reason, words), requestId);
  const malformed = (words: string): Problem => refuse(Status.INVALID_ARGUMENT, 'MALFORMED_REQUEST', words);

  if (targetLength(request) > maxUrlBytes)
    return refuse(Status.INVALID_ARGUMENT, 'URL_TOO_LONG', `The URL is longer than ${maxUrlBytes} bytes.`);
  if (rawHeaders.length / 2 > maxHeaders)
    return refuse(Status.INVALID_ARGUMENT, 'HEADERS_TOO_LARGE', `There are more than ${maxHeaders} headers.`);
  // The parser of HTTP/1.1 counts by itself.
  if (isHttp2(request) && bytesOf(rawHeaders) > maxHeaderBytes) {
    const words = `The URL and the headers are larger than ${maxHeaderBytes} bytes.`;
    return refuse(Status.INVALID_ARGUMENT, 'HEADERS_TOO_LARGE', words);
  }
  if (!isHttp2(request) && httpVersion !== '1.1' && httpVersion !== '1.0')
    return {
      ...refuse(Status.UNIMPLEMENTED, 'MALFORMED_REQUEST', 'The request is not HTTP/1.1.'),
      status: 505,
      title: 'HTTP Version Not Supported',
    };
  const fault = targetFault(request);
  if (fault !== undefined) return malformed(fault);
  const hosts = countOf('host', rawHeaders);
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1')) return malformed('A request has one Host header.');
  const authority = headers[':authority'];
  if (hosts > 0 && authority !== undefined && authority !== headers.host)
    return malformed('The Host header is not the authority of the request.');
  const codings = headers['transfer-encoding']?.toLowerCase();
  if (codings !== undefined && codings !== 'chunked') {
    return codings.split(',').some((coding) => coding.trim() !== 'chunked')
      ? refuse(Status.UNIMPLEMENTED, 'MALFORMED_REQUEST', 'The one transfer coding that is understood is chunked.')
      : malformed('The body is chunked more than once.');
  }
  if (headers.expect !== undefined && headers.expect.trim().toLowerCase() !== '100-continue')
    return {
      ...malformed('The one expectation that can be met is 100-continue.'),
      status: 417,
      title: 'Expectation Failed',
    };
  return undefined;
}

/** gRPC has its status in trailers, which clients read of HTTP/2 alone. */
export function needsHttp2(): RpcError {
  const message = 'gRPC needs HTTP/2. Over HTTP/1.1 there are gRPC-Web and Connect.';
  return new RpcError(Status.UNIMPLEMENTED, 'MALFORMED_REQUEST', message);
}

function bytesOf(rawHeaders: readonly string[]): number {
  let bytes = 0;
  for (const text of rawHeaders) bytes += text.length;
  return bytes;
}

function countOf(name: string, rawHeaders: readonly string[]): number {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const each = rawHeaders[at] ?? '';
    if (each.length === name.length && each.toLowerCase() === name) count += 1;
  }
  return count;
}
