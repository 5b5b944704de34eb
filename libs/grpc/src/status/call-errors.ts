/** The errors that a server itself ends calls with. */
import { status as Status } from '@grpc/grpc-js';
import { RpcError } from './rpc-error.ts';

export function cancelled(): RpcError {
  return new RpcError(Status.CANCELLED, 'CANCELLED', 'The caller went away.');
}

export function cutRequest(): RpcError {
  return new RpcError(Status.INTERNAL, 'MALFORMED_REQUEST', 'The requests ended inside a message.');
}

export function over(): RpcError {
  return new RpcError(Status.CANCELLED, 'CANCELLED', 'The call is over.');
}

export function deadlineExceeded(): RpcError {
  return new RpcError(Status.DEADLINE_EXCEEDED, 'DEADLINE_EXCEEDED', 'The answer was not ready in time.');
}

/** By how much a timer of Node may be early by the clock, in milliseconds. */
const timerMs = 2;

/** For a call that was given up by the side that did not say why: at its deadline, that was the reason. */
export function givenUp(deadline: number): RpcError {
  return Date.now() + timerMs < deadline ? cancelled() : deadlineExceeded();
}

/** For a call that ends because the one that it was made for has ended. */
export function endOfParent({ reason }: AbortSignal): RpcError {
  if (reason instanceof RpcError && reason.code === Status.DEADLINE_EXCEEDED) return deadlineExceeded();
  return new RpcError(Status.CANCELLED, '', 'The call that it was made for is over.');
}

export function idle(limitMs: number): RpcError {
  return new RpcError(Status.DEADLINE_EXCEEDED, 'DEADLINE_EXCEEDED', `The stream had no message for ${limitMs} ms.`);
}

/** For a message that began, and of which the rest did not come. */
export function messageTooSlow(limitMs: number): RpcError {
  const message = `A message had not come to its end after ${limitMs} ms.`;
  return new RpcError(Status.DEADLINE_EXCEEDED, 'DEADLINE_EXCEEDED', message);
}

export function slowReader(maxBytes: number): RpcError {
  return new RpcError(
    Status.RESOURCE_EXHAUSTED,
    'READER_TOO_SLOW',
    `More than ${maxBytes} bytes were waiting to be read. Read faster, or resume from the last item.`,
  );
}

/** For calls that a server ends because it ends itself: UNAVAILABLE, to be tried again elsewhere in a second. */
export function endOfServer(): RpcError {
  return new RpcError(Status.UNAVAILABLE, 'UPSTREAM_UNAVAILABLE', 'The server is shutting down. Try again.', {
    retryDelayMs: 1000,
  });
}

/** For a call beyond those that a connection may have at a time; any of them may end soon. */
export function tooManyCalls(max: number): RpcError {
  const message = `The connection has ${max} calls under way, the most that it may have.`;
  return new RpcError(Status.RESOURCE_EXHAUSTED, 'TOO_MANY_CALLS', message, { retryDelayMs: 1000 });
}

/** For the calls of a caller whose certificate is genuine, and names none of those that the server admits. */
export function callerNotAdmitted(names: readonly string[]): RpcError {
  const shown = names.length === 0 ? 'has no DNS name' : `is of ${names.join(', ')}`;
  return new RpcError(
    Status.PERMISSION_DENIED,
    'CALLER_NOT_ADMITTED',
    `The certificate of the caller ${shown}, and the server admits others.`,
  );
}

export function metadataTooLarge(bytes: number, maxBytes: number): RpcError {
  const message = `The metadata is ${bytes} bytes large, of at most ${maxBytes}.`;
  return new RpcError(Status.RESOURCE_EXHAUSTED, 'REQUEST_TOO_LARGE', message);
}

export function tooManyFields(fields: number, max: number): RpcError {
  const message = `The metadata has ${fields} fields, of at most ${max}.`;
  return new RpcError(Status.RESOURCE_EXHAUSTED, 'REQUEST_TOO_LARGE', message);
}

/** For a health check, or a stream that carries calls, beyond those that are open at a time. */
export function tooManyOpenCalls(): RpcError {
  const message = 'Too many health checks, or streams that carry calls, are open. End one first.';
  return new RpcError(Status.RESOURCE_EXHAUSTED, 'TOO_MANY_CALLS', message, { retryDelayMs: 1000 });
}

export function requestTooLarge(bytes: number, maxBytes: number): RpcError {
  const message = `The request is ${bytes} bytes large, of at most ${maxBytes}.`;
  return new RpcError(Status.RESOURCE_EXHAUSTED, 'REQUEST_TOO_LARGE', message);
}
