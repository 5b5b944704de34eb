import { expect, test } from 'vitest';
import { areMarks, joined, marksAtFirstVisit, readUpTo, unreadIn } from '../src/chat/notes/read-marks.ts';

const room = (name: string, lastSeq: number, firstSeq = 1) => ({ name, firstSeq, lastSeq });

test('at the first visit nothing is unread, and later rooms are unread from their first note', () => {
  const marks = marksAtFirstVisit([room('lobby', 7)]);
  expect(unreadIn(marks, room('lobby', 7))).toBe(0);
  expect(unreadIn(marks, room('lobby', 9))).toBe(2);
  expect(unreadIn(marks, room('new', 3))).toBe(3);
});

test('notes that are not kept any more are not unread', () => {
  expect(unreadIn({ lobby: 2 }, room('lobby', 9, 8))).toBe(2);
  expect(unreadIn({ lobby: 2 }, room('lobby', 9, 10))).toBe(0);
});

test('a mark goes forward alone, whichever tab has it', () => {
  expect(readUpTo({ lobby: 5 }, 'lobby', 4)).toEqual({ lobby: 5 });
  expect(joined({ a: 1, b: 5 }, { a: 2, b: 3, c: 1 })).toEqual({ a: 2, b: 5, c: 1 });
});

test('what is kept is looked at before it is believed', () => {
  expect([areMarks({ a: 1 }), areMarks({ a: '1' }), areMarks(null), areMarks({ a: NaN })]).toEqual([
    true,
    false,
    false,
    false,
  ]);
});
