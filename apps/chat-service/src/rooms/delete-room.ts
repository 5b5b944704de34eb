import type { chat } from '@rollcall/proto';
import { roomNotFound } from '../errors/chat-errors.ts';
import type { NoteLog } from '../log/note-log.ts';
import type { Presence } from '../presence/presence.ts';

/**
 * Deletes a room, and who was seen in it. Nothing is deleted without an entry in the audit log, which is written first.
 *
 * @param report writes that entry
 * @throws RpcError ROOM_NOT_FOUND, LOG_UNAVAILABLE, DATABASE_FULL, or what the report fails with
 */
export async function deleteRoom(
  log: NoteLog,
  presence: Presence,
  { room }: chat.DeleteRoomRequest,
  report: () => Promise<void>,
): Promise<void> {
  if (!(await log.delete(room, report))) throw roomNotFound(room);
  await presence.forget(room);
}
