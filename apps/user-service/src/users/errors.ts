import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';

/** No user has what was asked for, such as `the id 7`. */
export function userNotFound(what: string): RpcError {
  return new RpcError(Status.NOT_FOUND, 'USER_NOT_FOUND', `No user has ${what}.`);
}

/** No user has the id, or the one who has it is deleted. */
export function liveUserNotFound(id: string): RpcError {
  return new RpcError(Status.NOT_FOUND, 'USER_NOT_FOUND', `No live user has the id ${id}.`);
}

/** The caller chose an id that another user has. */
export function userIdTaken(id: string): RpcError {
  return new RpcError(Status.ALREADY_EXISTS, 'USER_ID_TAKEN', `Another user has the id ${id}.`, { metadata: { id } });
}

/** Another live user has the address. */
export function emailTaken(): RpcError {
  return new RpcError(Status.ALREADY_EXISTS, 'EMAIL_TAKEN', 'Another user has this email address.');
}

/** The request id came before with another request. */
export function requestIdReused(): RpcError {
  return new RpcError(
    Status.ALREADY_EXISTS,
    'REQUEST_ID_REUSED',
    'This request id was used with another request. Use a new one.',
  );
}

/** The user is another version than the caller has seen. */
export function etagMismatch(current: string): RpcError {
  return new RpcError(
    Status.ABORTED,
    'ETAG_MISMATCH',
    'The user has changed since the etag was read. Read it again, then decide.',
    { metadata: { etag: current } },
  );
}

/** The user is live. */
export function userNotDeleted(id: string): RpcError {
  return new RpcError(Status.FAILED_PRECONDITION, 'USER_NOT_DELETED', `The user with the id ${id} is not deleted.`);
}

/** What came behind the token is not known any more. */
export function resumeTokenGone(): RpcError {
  return new RpcError(
    Status.OUT_OF_RANGE,
    'RESUME_TOKEN_GONE',
    'The changes behind this resume token are not kept any more. Start over with a snapshot.',
  );
}
