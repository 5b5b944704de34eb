import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';

/** No user has what was asked for, such as `the id 7`. */
export function userNotFound(what: string): RpcError {
  return new RpcError(Status.NOT_FOUND, 'USER_NOT_FOUND', `No user has ${what}.`);
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

/** Part of the contract, and not to be had yet: `ListUsers`, `A filter`. */
export function notOffered(what: string): RpcError {
  return new RpcError(Status.UNIMPLEMENTED, 'NOT_OFFERED', `${what} is not offered yet.`);
}
