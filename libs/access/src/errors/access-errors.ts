import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';

// The sentences tell the same of every cause: what exactly is wrong stands in the audit log, as `why`.

export function signInRequired(): RpcError {
  const message = 'Sign in first: send a credential as "authorization: Bearer …".';
  return new RpcError(Status.UNAUTHENTICATED, 'SIGN_IN_REQUIRED', message);
}

/** @param why for administrators alone */
export function credentialInvalid(why: string): RpcError {
  const message = 'The credential is not valid. Sign in again.';
  return new RpcError(Status.UNAUTHENTICATED, 'CREDENTIAL_INVALID', message, { cause: why });
}

/** @param why for administrators alone */
export function notPermitted(message: string, why: string): RpcError {
  return new RpcError(Status.PERMISSION_DENIED, 'NOT_PERMITTED', message, { cause: why });
}

export function rateLimited(retryDelayMs: number): RpcError {
  const message = 'There were too many calls. Wait before the next one.';
  return new RpcError(Status.RESOURCE_EXHAUSTED, 'RATE_LIMITED', message, { retryDelayMs });
}

export function tooManyStreams(max: number): RpcError {
  const message = `The caller has ${max} streams open, which is the most. End one first.`;
  return new RpcError(Status.RESOURCE_EXHAUSTED, 'TOO_MANY_STREAMS', message, { retryDelayMs: 1000 });
}

/** Its caller may no longer be permitted to make it. */
export function callerUnconfirmed(): RpcError {
  const message = 'It could not be confirmed for too long that the caller may still make this call. Make it again.';
  return new RpcError(Status.UNAVAILABLE, 'UPSTREAM_UNAVAILABLE', message, { retryDelayMs: 1000 });
}
