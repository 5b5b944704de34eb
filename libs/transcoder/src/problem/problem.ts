import { status as Status } from '@grpc/grpc-js';
import { type FieldViolation, RpcError } from '@rollcall/grpc';
import { camelCase } from '@rollcall/contract';
import { thrownStatus } from './http-exception.ts';

/**
 * An error as REST answers it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9457
 */
export interface Problem {
  readonly type: 'about:blank';
  /** The phrase of the status code. */
  readonly title: string;
  /** The HTTP status code. */
  readonly status: number;
  /** What went wrong, as a sentence. */
  readonly detail: string;
  /** The name of the google.rpc.Code. */
  readonly code: string;
  /** Which error it is, for programs. */
  readonly reason: string;
  /** Names the request in the logs of every process it went through. */
  readonly requestId: string;
  /** The wrong fields, by the paths that the caller knows. */
  readonly fieldViolations?: readonly FieldViolation[];
  /** Facts about this error, for programs. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** How long to wait before another try, in milliseconds; also in the header Retry-After. */
  readonly retryAfterMs?: number;
}

export const problemContentType = 'application/problem+json';

/** The HTTP status and phrase of each google.rpc.Code. @see https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto */
const httpStatuses: Readonly<Record<Status, readonly [status: number, title: string]>> = {
  [Status.OK]: [200, 'OK'],
  [Status.CANCELLED]: [499, 'Client Closed Request'],
  [Status.UNKNOWN]: [500, 'Internal Server Error'],
  [Status.INVALID_ARGUMENT]: [400, 'Bad Request'],
  [Status.DEADLINE_EXCEEDED]: [504, 'Gateway Timeout'],
  [Status.NOT_FOUND]: [404, 'Not Found'],
  [Status.ALREADY_EXISTS]: [409, 'Conflict'],
  [Status.PERMISSION_DENIED]: [403, 'Forbidden'],
  [Status.RESOURCE_EXHAUSTED]: [429, 'Too Many Requests'],
  [Status.FAILED_PRECONDITION]: [400, 'Bad Request'],
  [Status.ABORTED]: [409, 'Conflict'],
  [Status.OUT_OF_RANGE]: [400, 'Bad Request'],
  [Status.UNIMPLEMENTED]: [501, 'Not Implemented'],
  [Status.INTERNAL]: [500, 'Internal Server Error'],
  [Status.UNAVAILABLE]: [503, 'Service Unavailable'],
  [Status.DATA_LOSS]: [500, 'Internal Server Error'],
  [Status.UNAUTHENTICATED]: [401, 'Unauthorized'],
};

/** The HTTP status and phrase of a code. */
export function httpStatusOf(code: Status): readonly [status: number, title: string] {
  return httpStatuses[code] ?? httpStatuses[Status.UNKNOWN];
}

/** Where HTTP has a finer word than the code has: the reason decides. */
const finerStatuses: Readonly<Record<string, readonly [status: number, title: string]>> = {
  VERB_NOT_ALLOWED: [405, 'Method Not Allowed'],
  UNSUPPORTED_MEDIA_TYPE: [415, 'Unsupported Media Type'],
  NOT_ACCEPTABLE: [406, 'Not Acceptable'],
  REQUEST_TOO_LARGE: [413, 'Content Too Large'],
  ETAG_MISMATCH: [412, 'Precondition Failed'],
  REQUEST_TOO_SLOW: [408, 'Request Timeout'],
  URL_TOO_LONG: [414, 'URI Too Long'],
  HEADERS_TOO_LARGE: [431, 'Request Header Fields Too Large'],
};

/** The error of a verb that a path does not take. The header Allow goes with it. */
export function verbNotAllowed(verb: string, allow: readonly string[]): RpcError {
  return new RpcError(Status.UNIMPLEMENTED, 'VERB_NOT_ALLOWED', `This path takes ${allow.join(', ')}, not ${verb}.`);
}

/** The error of a Content-Type that a method does not take at its own path. The header Accept-Post goes with it. */
export function typeNotTaken(accept: string): RpcError {
  return new RpcError(Status.INVALID_ARGUMENT, 'UNSUPPORTED_MEDIA_TYPE', `This path takes ${accept}.`);
}

/** The problem that tells a caller of REST about an error. */
export function problemOf(error: RpcError, requestId: string): Problem {
  const [status, title] = thrownStatus(error) ?? finerStatuses[error.reason] ?? httpStatusOf(error.code);
  const { violations = [], metadata = {}, retryDelayMs } = error.details;
  return {
    type: 'about:blank',
    title,
    status,
    detail: inJsonNames(error),
    code: Status[error.code] ?? 'UNKNOWN',
    reason: error.reason || (Status[error.code] ?? 'UNKNOWN'),
    requestId,
    ...(violations.length > 0 && {
      fieldViolations: violations.map((violation) => ({ ...violation, field: camelCase(violation.field) })),
    }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
    ...(retryDelayMs !== undefined && { retryAfterMs: retryDelayMs }),
  };
}

/** The sentence of an error, in which the field has the name that callers of REST know. */
function inJsonNames({ message, details }: RpcError): string {
  const [first] = details.violations ?? [];
  return first !== undefined && message.startsWith(`${first.field}: `)
    ? camelCase(first.field) + message.slice(first.field.length)
    : message;
}

/**
 * The headers that go with a problem.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-3
 */
export function problemHeaders(problem: Problem): Record<string, string> {
  return {
    'content-type': problemContentType,
    'cache-control': 'no-store',
    ...(problem.status === 401 && {
      'www-authenticate': problem.reason === 'CREDENTIAL_INVALID' ? 'Bearer error="invalid_token"' : 'Bearer',
    }),
    ...(problem.status === 415 &&
      problem.metadata?.['acceptEncoding'] !== undefined && { 'accept-encoding': problem.metadata['acceptEncoding'] }),
    ...(problem.retryAfterMs !== undefined && { 'retry-after': String(Math.ceil(problem.retryAfterMs / 1000)) }),
  };
}
