/** The errors that a server itself ends calls with. */
import { status as Status } from '@grpc/grpc-js';
import { RpcError } from './rpc-error.ts';

export function cancelled(): RpcError {
  return new RpcError(Status.CANCELLED, 'CANCELLED', 'The caller went away.');
}

export function over(): RpcError {
  return new RpcError(Status.CANCELLED, 'CANCELLED', 'The call is over.');
}

export function deadlineExceeded(): RpcError {
  return new RpcError(Status.DEADLINE_EXCEEDED, 'DEADLINE_EXCEEDED', 'The answer was not ready in time.');
}

export function idle(limitMs: number): RpcError {
  return new RpcError(Status.DEADLINE_EXCEEDED, 'DEADLINE_EXCEEDED', `The stream had no message for ${limitMs} ms.`);
}

export function slowReader(maxBytes: number): RpcError {
  return new RpcError(
    Status.RESOURCE_EXHAUSTED,
    'REQUEST_TOO_LARGE',
    `More than ${maxBytes} bytes were waiting to be read. Read faster, or resume from the last item.`,
  );
}

/** For calls that a server ends because it ends itself: UNAVAILABLE, to be tried again elsewhere in a second. */
export function endOfServer(): RpcError {
  return new RpcError(Status.UNAVAILABLE, 'UPSTREAM_UNAVAILABLE', 'The server is shutting down. Try again.', {
    retryDelayMs: 1000,
  });
}
