import { type Entry, type Gap, isNote, type Note } from './note.ts';

/** What stands in a room, from top to bottom. */
export type Line =
  | { readonly kind: 'day'; readonly key: string; readonly at: string }
  | { readonly kind: 'gap'; readonly key: string; readonly gap: Gap }
  | { readonly kind: 'unread'; readonly key: 'unread' }
  | { readonly kind: 'note'; readonly key: string; readonly note: Note; readonly follows: boolean };

/** Notes of one author that come within this time stand together. */
const togetherMs = 5 * 60_000;

/** The lines of a room: a day before its first note, and a mark before the first note that was not read. */
export function linesOf(entries: readonly Entry[], readUpTo: number | undefined): Line[] {
  const lines: Line[] = [];
  let before: Note | undefined;
  let marked = readUpTo === undefined;
  for (const entry of entries) {
    if (!isNote(entry)) {
      lines.push({ kind: 'gap', key: `gap-${entry.seq}`, gap: entry });
      before = undefined;
      continue;
    }
    const day = dayOf(entry.sendTime);
    if (before === undefined || dayOf(before.sendTime) !== day) {
      lines.push({ kind: 'day', key: `day-${day}-${entry.seq}`, at: entry.sendTime });
      before = undefined;
    }
    if (!marked && readUpTo !== undefined && entry.seq > readUpTo) {
      lines.push({ kind: 'unread', key: 'unread' });
      [marked, before] = [true, undefined];
    }
    const follows = before !== undefined && isTogether(before, entry);
    lines.push({ kind: 'note', key: entry.noteId, note: entry, follows });
    before = entry;
  }
  return lines;
}

function isTogether(before: Note, note: Note): boolean {
  return (
    before.authorId === note.authorId &&
    before.authorName === note.authorName &&
    Date.parse(note.sendTime) - Date.parse(before.sendTime) < togetherMs
  );
}

/** The day of a time where the reader is. */
function dayOf(time: string): string {
  const date = new Date(time);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}
