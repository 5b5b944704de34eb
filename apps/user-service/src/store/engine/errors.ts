import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';

/** The errors of a database as callers hear of them: what to do next, and nothing of the driver's own words. */

/** It cannot be reached, or it has just ended. Whether a write that was under way is in it is not known. */
export function databaseUnavailable(cause: unknown): RpcError {
  return new RpcError(
    Status.UNAVAILABLE,
    'DATABASE_UNAVAILABLE',
    'The database cannot be reached at the moment. Try again.',
    { cause, retryDelayMs: 1000 },
  );
}

/** Its disk fails, or cannot be written. Nothing of a write is stored. */
export function diskFails(cause: unknown): RpcError {
  return new RpcError(
    Status.UNAVAILABLE,
    'DATABASE_UNAVAILABLE',
    'The disk of the database cannot be used at the moment. Try again.',
    { cause, retryDelayMs: 1000 },
  );
}

/** It took longer than the call may take. */
export function databaseTooSlow(cause: unknown): RpcError {
  return new RpcError(Status.DEADLINE_EXCEEDED, 'DEADLINE_EXCEEDED', 'The database did not answer in time.', { cause });
}

/** Its disk has no room. Nothing of the write is stored. */
export function databaseFull(cause: unknown): RpcError {
  return new RpcError(
    Status.RESOURCE_EXHAUSTED,
    'DATABASE_FULL',
    'The database has no room for more. Nothing of this was stored.',
    { cause },
  );
}
