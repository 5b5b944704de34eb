import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';

/** Whatever is wrong with a link, it is this. */
export function linkInvalid(): RpcError {
  const message = 'The link is unknown, was used or has expired. Ask an administrator for another.';
  return new RpcError(Status.UNAUTHENTICATED, 'LINK_INVALID', message);
}

export function localSignInOff(): RpcError {
  const message = 'Links do not sign anybody in here: LOCAL_SIGN_IN is not set.';
  return new RpcError(Status.FAILED_PRECONDITION, 'LOCAL_SIGN_IN_OFF', message);
}

export function sessionNotFound(): RpcError {
  return new RpcError(Status.NOT_FOUND, 'SESSION_NOT_FOUND', 'The user has no such session. It may have ended.');
}

export function tokenNameTaken(name: string): RpcError {
  const message = `The user has a token "${name}". Revoke it first, or choose another name.`;
  return new RpcError(Status.ALREADY_EXISTS, 'TOKEN_NAME_TAKEN', message);
}

export function tokenNotFound(name: string): RpcError {
  return new RpcError(Status.NOT_FOUND, 'TOKEN_NOT_FOUND', `The user has no token "${name}".`);
}

export function tooManyTokens(max: number): RpcError {
  const message = `The user has ${max} tokens, which is the most. Revoke one first.`;
  return new RpcError(Status.RESOURCE_EXHAUSTED, 'TOO_MANY_TOKENS', message);
}
