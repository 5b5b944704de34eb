import { Metadata } from '@grpc/grpc-js';
import type { Caller } from '@rollcall/access';
import { outsideOfCalls } from '@rollcall/grpc';
import type { callers, chat } from '@rollcall/proto';
import { firstValueFrom } from 'rxjs';
import { roomNotFound } from '../errors/chat-errors.ts';
import type { NoteLog } from '../log/note-log.ts';
import type { Presence } from '../presence/presence.ts';

/** How long the audit log may take, in milliseconds. */
const deadlineMs = 5000;

/** Puts what is about to be done into the audit log. @throws RpcError when that was not possible */
export type ReportWrite = (caller: Caller, requestId: string, method: string, note: string) => Promise<void>;

/** Reports to user-service, which keeps the audit log. @param token what this service calls with, if it has to */
export function reportWrites(client: callers.CallerServiceClient, token: () => string | undefined): ReportWrite {
  return async ({ userId: callerId, credential, address }, requestId, method, note) => {
    const metadata = new Metadata();
    const sent = token();
    if (sent !== undefined) metadata.set('authorization', `Bearer ${sent}`);
    const write = { callerId, credential, address: address.slice(0, 300), method, requestId, note };
    await outsideOfCalls(() =>
      firstValueFrom(client.reportWrite(write, { metadata, deadline: Date.now() + deadlineMs })),
    );
  };
}

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
