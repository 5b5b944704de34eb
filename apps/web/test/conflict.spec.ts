import { expect, test } from 'vitest';
import { contested, merged } from '../src/directory/user/merge.ts';

const before = { name: 'Ada', email: 'a@x', age: 3, type: 'USER_TYPE_NORMAL' } as const;
const mine = { ...before, name: 'Mine', age: 4 };
const theirs = { ...before, name: 'Theirs', email: 't@x' };

test('only what both have changed, to different things, is contested', () => {
  expect(contested(before, mine, theirs)).toEqual(['name']);
  expect(contested(before, mine, { ...theirs, name: 'Mine' })).toEqual([]);
  expect(contested(before, mine, before)).toEqual([]);
});

test('what one of both has changed is kept, and the rest is as it was chosen', () => {
  expect(merged(before, mine, theirs, {})).toEqual({ ...before, name: 'Mine', email: 't@x', age: 4 });
  expect(merged(before, mine, theirs, { name: 'theirs' })).toEqual({ ...before, name: 'Theirs', email: 't@x', age: 4 });
});
