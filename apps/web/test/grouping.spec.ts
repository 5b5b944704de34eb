import { expect, test } from 'vitest';
import { linesOf } from '../src/chat/notes/grouping.ts';
import { inserted, type Note } from '../src/chat/notes/note.ts';

const note = (seq: number, minute: number, author = 'Ada'): Note => ({
  seq,
  noteId: `n${seq}`,
  authorId: author,
  authorName: author,
  message: '',
  sendTime: new Date(2026, 0, 31, 23, minute).toISOString(),
});

const written = (entries: Parameters<typeof linesOf>[0], readUpTo?: number): string[] =>
  linesOf(entries, readUpTo).map((line) =>
    line.kind === 'note' ? `${line.note.seq}${line.follows ? ' follows' : ''}` : line.kind,
  );

test('a day stands before its first note, and notes of one author within five minutes stand together', () => {
  const entries = [
    note(1, 0),
    note(2, 4),
    note(3, 5, 'Eve'),
    note(4, 20, 'Eve'),
    note(5, 61, 'Eve'),
    note(6, 62, 'Eve'),
  ];
  expect(written(entries)).toEqual(['day', '1', '2 follows', '3', '4', 'day', '5', '6 follows']);
});

test('what was not read has one mark before it, which parts what stood together', () => {
  const entries = [note(1, 0), note(2, 1), note(3, 2)];
  expect(written(entries, 1)).toEqual(['day', '1', 'unread', '2', '3 follows']);
  expect(written(entries, 3)).toEqual(['day', '1', '2 follows', '3 follows']);
  expect(written(entries, 0)).toEqual(['day', 'unread', '1', '2 follows', '3 follows']);
});

test('a gap is said', () => {
  expect(written([{ seq: 1, lastSeq: 4 }, note(5, 0)])).toEqual(['gap', 'day', '5']);
});

test('notes stand by their numbers, each once, whichever way they come', () => {
  const [a, b, c, d] = [note(1, 0), note(2, 0), note(3, 0), note(4, 0)];
  expect(inserted([c], [b, a])).toEqual([a, b, c]);
  expect(inserted([a, b], [b, d, c])).toEqual([a, b, c, d]);
  const entries = [a, b];
  expect(inserted(entries, [b])).toBe(entries);
});
