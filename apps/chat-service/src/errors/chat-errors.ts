import { status as Status } from '@grpc/grpc-js';
import { RpcError, withMetadata } from '@rollcall/grpc';

/** No live user has the id that the caller named. */
export function authorNotFound(id: string): RpcError {
  return new RpcError(Status.NOT_FOUND, 'USER_NOT_FOUND', `No live user has the id ${id}.`);
}

export function noteIdReused(): RpcError {
  return new RpcError(
    Status.ALREADY_EXISTS,
    'NOTE_ID_REUSED',
    'This note id was used for another note of the room. Use a new one.',
  );
}

export function tooManyRooms(max: number): RpcError {
  const message = `There are ${max} rooms, which is the most. Send to one that is there.`;
  return new RpcError(Status.RESOURCE_EXHAUSTED, 'TOO_MANY_ROOMS', message);
}

/** A user has made as many rooms as a user may in an hour. */
export function tooManyOwnRooms(max: number, retryDelayMs: number): RpcError {
  const message = `You have made ${max} rooms within an hour, which is the most. Send to one that is there.`;
  return new RpcError(Status.RESOURCE_EXHAUSTED, 'TOO_MANY_ROOMS', message, { retryDelayMs });
}

export function roomNotFound(room: string): RpcError {
  return new RpcError(Status.NOT_FOUND, 'ROOM_NOT_FOUND', `There is no room ${room}.`);
}

/** The room that is read was deleted. */
export function roomDeleted(room: string): RpcError {
  const message = `The room ${room} was deleted. A note that is sent to it makes it anew.`;
  return new RpcError(Status.NOT_FOUND, 'ROOM_NOT_FOUND', message);
}

/** The log has no room. */
export function logFull(cause: unknown): RpcError {
  const message = 'The log of the rooms has no room for more. The note was not kept.';
  return new RpcError(Status.RESOURCE_EXHAUSTED, 'DATABASE_FULL', message, { cause });
}

/** The log cannot be reached. Whether a note that was under way is in it is not known. */
export function logUnavailable(cause: unknown): RpcError {
  const message = 'The log of the rooms cannot be reached at the moment. Try again, with the same note id.';
  return new RpcError(Status.UNAVAILABLE, 'LOG_UNAVAILABLE', message, { cause, retryDelayMs: 1000 });
}

/** The reader has seen more than the room has. */
export function seqUnknown(after: string, last: number): RpcError {
  return new RpcError(
    Status.OUT_OF_RANGE,
    'SEQ_UNKNOWN',
    `The room has no note ${after}: its last is ${last}. Start over from the latest notes.`,
  );
}

/** Notes wait for a reader that does not take them. @param cursor the number of the last note that was sent */
export function readerTooSlow(cursor: number): RpcError {
  const message = 'New notes were waiting for too long. Read faster, or resume behind the last note.';
  return withMetadata(new RpcError(Status.RESOURCE_EXHAUSTED, 'READER_TOO_SLOW', message), { cursor: String(cursor) });
}
