import type { chat, Timestamp } from '@rollcall/proto';
import type { ChatTables } from './chat-database.ts';

/** A stored note as callers get it. */
export function toNote(row: ChatTables['notes']): chat.Note {
  return {
    room: row.room,
    seq: String(row.seq),
    noteId: row.note_id,
    authorId: String(row.author_id),
    authorName: row.author_name,
    message: row.message,
    sendTime: toTimestamp(Number(row.send_time_ms)),
  };
}

/** A time in milliseconds since the epoch as messages have it. */
export function toTimestamp(ms: number): Timestamp {
  const seconds = Math.floor(ms / 1000);
  return { seconds: String(seconds), nanos: (ms - seconds * 1000) * 1_000_000 };
}
