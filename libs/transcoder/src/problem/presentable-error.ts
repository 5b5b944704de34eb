import { HttpException } from '@nestjs/common';
import { status as Status } from '@grpc/grpc-js';
import { isSentByServer, RpcError } from '@rollcall/grpc';
import { TimeoutError } from 'rxjs';
import { errorOfHttp } from './http-exception.ts';

/**
 * The error to show a caller for whatever was thrown. What a service says is passed on. Errors without a reason that no
 * service sent come from the transport: their texts are for operators, with addresses in them, and are replaced by a
 * sentence.
 */
export function presentableError(thrown: unknown): RpcError {
  if (thrown instanceof RpcError) {
    if (thrown.reason !== '') return thrown;
    if (isSentByServer(thrown)) return ofSize(thrown) ? withReason(thrown, 'REQUEST_TOO_LARGE') : thrown;
    if (thrown.code === Status.RESOURCE_EXHAUSTED && !ofSize(thrown))
      return new RpcError(thrown.code, '', 'There are too many calls. Try again.', {
        ...thrown.details,
        cause: thrown,
      });
    const plain = plainErrors[thrown.code];
    if (plain === undefined) return thrown;
    const retry = thrown.code === Status.UNAVAILABLE ? { retryDelayMs: 1000 } : {};
    return new RpcError(thrown.code, ...plain, { ...retry, ...thrown.details, cause: thrown });
  }
  if (thrown instanceof HttpException) return errorOfHttp(thrown);
  if (thrown instanceof TimeoutError) return new RpcError(Status.DEADLINE_EXCEEDED, ...late, { cause: thrown }); // of an interceptor with timeout()
  return new RpcError(Status.INTERNAL, ...internal, { cause: thrown });
}

/** Whether a service refused a message for its size: the runtimes of gRPC have one code for that and for calls that are too many. */
function ofSize({ code, message }: RpcError): boolean {
  return code === Status.RESOURCE_EXHAUSTED && /larger than max/i.test(message);
}

function withReason({ code, message, details }: RpcError, reason: string): RpcError {
  return new RpcError(code, reason, message, details);
}

/** Whether an operator should hear of the error: the fault is on this side. */
export function isFault({ code }: RpcError): boolean {
  return (
    code === Status.INTERNAL || code === Status.UNKNOWN || code === Status.UNAVAILABLE || code === Status.DATA_LOSS
  );
}

const internal = ['INTERNAL', 'The server failed. Its log has the cause under the request id.'] as const;

const late = ['DEADLINE_EXCEEDED', 'The answer was not ready in time.'] as const;

const plainErrors: Readonly<Partial<Record<Status, readonly [reason: string, message: string]>>> = {
  [Status.UNAVAILABLE]: ['UPSTREAM_UNAVAILABLE', 'The service cannot be reached. Try again.'],
  [Status.DEADLINE_EXCEEDED]: late,
  [Status.CANCELLED]: ['CANCELLED', 'The call was cancelled.'],
  [Status.RESOURCE_EXHAUSTED]: ['REQUEST_TOO_LARGE', 'A message is larger than the service accepts.'],
  [Status.UNIMPLEMENTED]: ['NOT_OFFERED', 'The service does not offer this method.'],
  [Status.INTERNAL]: internal,
  [Status.UNKNOWN]: internal,
  [Status.DATA_LOSS]: internal,
};
