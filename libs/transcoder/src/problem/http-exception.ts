import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';

/** The error to show for an HttpException of a guard, an interceptor or a filter. It keeps its HTTP status (`thrownStatus`). */
export function errorOfHttp(thrown: HttpException): RpcError {
  const status = thrown.getStatus();
  const [code, reason] = codesOfHttp[status] ?? [status < 500 ? Status.FAILED_PRECONDITION : Status.UNKNOWN, ''];
  const unnamed = status === 404 && thrown.message === STATUS_CODES[404];
  return new RpcError(code, reason, unnamed ? 'Nothing is at this path.' : messageOf(thrown), { cause: thrown });
}

/** The HTTP status and phrase that an error was thrown with; undefined when it is none of HTTP. */
export function thrownStatus({ details: { cause } }: RpcError): readonly [status: number, title: string] | undefined {
  if (!(cause instanceof HttpException)) return undefined;
  const status = cause.getStatus();
  return [status, STATUS_CODES[status] ?? cause.name];
}

/** Nest's ValidationPipe says all that is wrong in a list, which is no part of the message. */
function messageOf(thrown: HttpException): string {
  const response = thrown.getResponse();
  const list: unknown = typeof response === 'object' && 'message' in response ? response.message : undefined;
  return Array.isArray(list) ? list.join('; ') : thrown.message;
}

/** @see https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto */
const codesOfHttp: Readonly<Record<number, readonly [Status, reason: string]>> = {
  400: [Status.INVALID_ARGUMENT, 'MALFORMED_REQUEST'],
  401: [Status.UNAUTHENTICATED, 'UNSPECIFIED'],
  403: [Status.PERMISSION_DENIED, 'UNSPECIFIED'],
  404: [Status.NOT_FOUND, 'UNKNOWN_METHOD'],
  408: [Status.DEADLINE_EXCEEDED, ''],
  409: [Status.ABORTED, ''],
  410: [Status.NOT_FOUND, ''],
  413: [Status.RESOURCE_EXHAUSTED, 'REQUEST_TOO_LARGE'],
  415: [Status.INVALID_ARGUMENT, 'UNSUPPORTED_MEDIA_TYPE'],
  422: [Status.INVALID_ARGUMENT, ''],
  429: [Status.RESOURCE_EXHAUSTED, ''],
  500: [Status.INTERNAL, 'INTERNAL'],
  501: [Status.UNIMPLEMENTED, ''],
  503: [Status.UNAVAILABLE, 'UPSTREAM_UNAVAILABLE'],
  504: [Status.DEADLINE_EXCEEDED, ''],
};
