import { RpcError } from '@rollcall/grpc';
import type { NewNote, NoteLog } from '../../src/log/note-log.ts';
import { newNote } from '../notes/told.ts';

/** What happened to somebody who sends notes one behind the other, each again until it is kept. */
export interface Sent {
  readonly acknowledged: Map<string, string>;
  readonly errors: RpcError[];
  longestMs: number;
}

/** Sends until it is told to stop. */
export async function sendOn(log: NoteLog, room: string, stop: AbortSignal): Promise<Sent> {
  const sent: Sent = { acknowledged: new Map(), errors: [], longestMs: 0 };
  while (!stop.aborted) {
    const note = newNote({ room });
    const { seq } = await sendUntilKept(log, note, sent);
    sent.acknowledged.set(note.noteId, seq);
  }
  return sent;
}

/** Sends a note again and again until it is kept. */
export async function sendUntilKept(log: NoteLog, note: NewNote, sent: Sent): Promise<{ readonly seq: string }> {
  for (;;) {
    const start = performance.now();
    try {
      return (await log.append(note)).note;
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      sent.errors.push(error);
      await new Promise((resolve) => setTimeout(resolve, 50)); // as a client does
    } finally {
      sent.longestMs = Math.max(sent.longestMs, performance.now() - start);
    }
  }
}
