import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { status as Status } from '@grpc/grpc-js';

/** How messages may be compressed. A message that says it is, and whose call does not say how, is none of them. */
const encodings = new Set(['identity', 'deflate', 'gzip']);

/** The types of content that are read: those of Protocol Buffers. */
const contentType = /^application\/grpc(\+proto)?[ \t]*(;.*)?$/i;

const { HTTP_STATUS_METHOD_NOT_ALLOWED, HTTP_STATUS_UNSUPPORTED_MEDIA_TYPE } = constants;

/**
 * What a server answers to headers that are those of no call which it can read. A status of HTTP tells a client of HTTP
 * what is wrong; a status of gRPC would tell it that all is well.
 *
 * @returns undefined when they are those of a call
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 * @see https://github.com/grpc/grpc/blob/master/doc/compression.md
 */
export function answerToNoCall(headers: IncomingHttpHeaders): OutgoingHttpHeaders | undefined {
  if (headers[':method'] !== 'POST') return { ':status': HTTP_STATUS_METHOD_NOT_ALLOWED, allow: 'POST' };
  const type = headers['content-type'];
  if (type !== 'application/grpc' && (type === undefined || !contentType.test(type)))
    return { ':status': HTTP_STATUS_UNSUPPORTED_MEDIA_TYPE, 'accept-post': 'application/grpc, application/grpc+proto' };
  const encoding = headers['grpc-encoding'];
  if (encoding === undefined || (typeof encoding === 'string' && encodings.has(encoding))) return undefined;
  return {
    ':status': 200,
    'content-type': 'application/grpc+proto',
    'grpc-status': Status.UNIMPLEMENTED,
    'grpc-message': `The server reads no messages whose grpc-encoding is ${encodeURI(String(encoding).slice(0, 100))}.`,
    'grpc-accept-encoding': [...encodings].join(','),
  };
}
