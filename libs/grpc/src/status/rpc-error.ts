import type { Any } from '@bufbuild/protobuf/wkt';
import { status as Status } from '@grpc/grpc-js';
import { RpcException } from '@nestjs/microservices';

/** One wrong field of a request. */
export interface FieldViolation {
  /** The path of the field from the request: `user.email`, `ids[3]`. */
  readonly field: string;
  /** Why it is wrong, as a sentence. */
  readonly description: string;
  /** Why it is wrong, for programs, such as `string.max_len`; may be empty. */
  readonly reason: string;
}

/** What an error may carry beyond its code, reason and sentence. */
export interface ErrorDetails {
  /** Facts for programs, sent as the metadata of google.rpc.ErrorInfo. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The wrong fields, sent as google.rpc.BadRequest. */
  readonly violations?: readonly FieldViolation[];
  /** How long to wait before another try, in milliseconds, sent as google.rpc.RetryInfo. */
  readonly retryDelayMs?: number;
  /** Whose reason it is, as google.rpc.ErrorInfo tells it; what a server throws has the server's `errorDomain` by default. */
  readonly domain?: string;
  /** Details of any other type, as they are sent and as they came. */
  readonly others?: readonly Any[];
  /** What led to it. It is logged and never sent. */
  readonly cause?: unknown;
}

/**
 * A failed call, as handlers throw it and callers catch it.
 *
 * @see https://google.aip.dev/193
 */
export class RpcError extends RpcException {
  override readonly name = 'RpcError';
  /** The gRPC status code: what kind of failure it is. */
  readonly code: Status;
  /** Which failure it is, such as `USER_NOT_FOUND`; empty when the other side gave none. */
  readonly reason: string;
  readonly details: ErrorDetails;

  constructor(code: Status, reason: string, message: string, details: ErrorDetails = {}) {
    // Where it was made matters to nobody, and looking that up costs more than the rest of a refused call.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = stackTraceLimit;
    this.cause = details.cause;
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  /** Nest asks for this when no filter takes the exception: the error itself, so that nothing of it is lost. */
  override getError(): this {
    return this;
  }
}

/** The same error with more facts in its metadata. */
export function withMetadata(error: RpcError, metadata: Readonly<Record<string, string>>): RpcError {
  const details = { ...error.details, metadata: { ...error.details.metadata, ...metadata } };
  return Object.assign(new RpcError(error.code, '', error.message, details), { reason: error.reason });
}

/** What a caller hears of an error that is none of the above. */
export function unknownError(requestId: string): RpcError {
  const message = 'The server failed. Its log has the cause under the request id.';
  return new RpcError(Status.INTERNAL, 'INTERNAL', message, { metadata: { requestId } });
}

/** An error for fields that break rules: INVALID_ARGUMENT, with a sentence that names the first field. */
export function invalidFields(violations: readonly FieldViolation[]): RpcError {
  const first = violations[0];
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : '';
  const message = first === undefined ? 'The request is not valid.' : `${first.field}: ${first.description}${more}`;
  return new RpcError(Status.INVALID_ARGUMENT, 'INVALID_FIELD', message, { violations });
}
