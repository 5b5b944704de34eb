import type { chat } from '@rollcall/proto';
import { expect, test } from 'vitest';
import { disorderOf, inOrder, newNote } from './told.ts';

const notes: readonly chat.Note[] = Array.from({ length: 10_000 }, (_, index) => ({
  ...newNote(),
  seq: String(index + 1),
  sendTime: null,
}));

test('finds nothing wrong with notes in order', () => {
  expect(disorderOf(notes, 1, 10_000)).toEqual(inOrder);
});

test('finds the one note of 10,000 that is missing, told twice or misplaced', () => {
  expect(disorderOf(notes.toSpliced(7000, 1), 1, 10_000)).toEqual({ ...inOrder, missing: [7001] });
  expect(disorderOf(notes.slice(0, -1), 1, 10_000)).toEqual({ ...inOrder, missing: [10_000] });
  expect(disorderOf(notes.toSpliced(7001, 0, ...notes.slice(6999, 7000)), 1, 10_000)).toEqual({
    ...inOrder,
    doubled: [7000],
  });
  const swapped = notes.toSpliced(7000, 2, ...notes.slice(7000, 7002).toReversed());
  expect(disorderOf(swapped, 1, 10_000)).toEqual({ ...inOrder, misplaced: [7001] });
});
