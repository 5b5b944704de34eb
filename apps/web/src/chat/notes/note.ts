import type { NoteJson } from '@rollcall/proto/json';

/** A note as the page holds it. A number of notes in a room fits into a number of JavaScript. */
export interface Note {
  readonly seq: number;
  readonly noteId: string;
  readonly authorId: string;
  readonly authorName: string;
  readonly message: string;
  readonly sendTime: string;
}

/** A stretch of a room whose notes are not kept any more. */
export interface Gap {
  readonly seq: number;
  readonly lastSeq: number;
}

export type Entry = Note | Gap;

export function isNote(entry: Entry): entry is Note {
  return 'noteId' in entry;
}

export function noteOf({ seq, noteId, authorId, authorName, message, sendTime }: NoteJson): Note {
  return {
    seq: Number(seq ?? 0),
    noteId: noteId ?? '',
    authorId: authorId ?? '0',
    authorName: authorName || 'Somebody without a name',
    message: message ?? '',
    sendTime: sendTime ?? '',
  };
}

/** Puts entries where their numbers belong; those that are there already stay as they are. */
export function inserted(entries: readonly Entry[], added: readonly Entry[]): readonly Entry[] {
  const known = new Set(entries.map(({ seq }) => seq));
  const news = added.filter(({ seq }) => !known.has(seq));
  if (news.length === 0) return entries;
  const sorted = news.toSorted((a, b) => a.seq - b.seq);
  const [first, last] = [sorted[0]?.seq ?? 0, entries.at(-1)?.seq ?? -1];
  return first > last ? [...entries, ...sorted] : [...entries, ...sorted].toSorted((a, b) => a.seq - b.seq);
}
