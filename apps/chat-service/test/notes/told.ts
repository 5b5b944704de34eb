import type { chat } from '@rollcall/proto';
import type { Following, NewNote, NoteLog } from '../../src/log/note-log.ts';

let ids = 0;

/** A note that is like no other. */
export function newNote(fields: Partial<NewNote> = {}): NewNote {
  ids += 1;
  return {
    room: 'lobby',
    noteId: `note-${ids}`,
    authorId: '1',
    authorName: 'Ada',
    message: `message ${ids}`,
    ...fields,
  };
}

/** What somebody was told of who follows a room. */
export interface Told extends Disposable {
  readonly following: Following;
  readonly notes: chat.Note[];
  /** The numbers that stood for deletions of the room. */
  readonly deleted: number[];
  /** Waits until the note with this number was told of. */
  reach(seq: number): Promise<void>;
}

/** Follows a room, and keeps what is told. */
export async function followRoom(log: NoteLog, room = 'lobby'): Promise<Told> {
  const notes: chat.Note[] = [];
  const waiting = new Set<() => void>();
  const deleted: number[] = [];
  const following = await log.follow(
    room,
    (some) => {
      notes.push(...some);
      for (const look of waiting) look();
    },
    (seq) => deleted.push(seq),
  );
  return {
    following,
    notes,
    deleted,
    reach(seq) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = (): void => {
        if (Number(notes.at(-1)?.seq ?? following.from) < seq) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
      return promise;
    },
    [Symbol.dispose]: () => following.close(),
  };
}

/** What is wrong with the order of some notes. */
export interface Disorder {
  readonly missing: number[];
  readonly doubled: number[];
  readonly misplaced: number[];
}

/** Looks whether notes are all those of a range of numbers, each once and in order. */
export function disorderOf(notes: readonly chat.Note[], first: number, last: number): Disorder {
  const seen = new Set<number>();
  const doubled: number[] = [];
  const misplaced: number[] = [];
  let before = first - 1;
  for (const seq of notes.map((note) => Number(note.seq))) {
    if (seen.has(seq)) doubled.push(seq);
    else if (seq < before || seq < first || seq > last) misplaced.push(seq);
    seen.add(seq);
    before = Math.max(before, seq);
  }
  const missing: number[] = [];
  for (let seq = first; seq <= last; seq += 1) if (!seen.has(seq)) missing.push(seq);
  return { missing, doubled, misplaced };
}

/** What `disorderOf` says when nothing is wrong. */
export const inOrder: Disorder = { missing: [], doubled: [], misplaced: [] };
