import { expect, test } from 'vitest';
import { addressOf, compare, filterOf, matches, orderOf, type Query, queryOf } from '../src/directory/query.ts';
import { type User, wholeUser } from '../src/directory/user/user.ts';

const query = (fields: Partial<Query> = {}): Query => ({
  text: '',
  type: undefined,
  sort: 'id',
  falling: false,
  ...fields,
});
const user = (fields: Partial<User>): User => wholeUser({ id: '1', name: 'Ada', type: 'USER_TYPE_NORMAL', ...fields });

test.each([
  [query(), '#/'],
  [
    query({ text: 'a&b c', type: 'USER_TYPE_GUEST', sort: 'name', falling: true }),
    '#/?q=a%26b+c&type=GUEST&sort=-name',
  ],
  [query({ type: 'DELETED', falling: true }), '#/?type=DELETED&sort=-id'],
])('an address tells which users are shown, and back', (asked, address) => {
  expect(addressOf(asked)).toBe(address);
  expect(queryOf(new URLSearchParams(address.split('?')[1]))).toEqual(asked);
});

test('an address that makes no sense shows everyone', () => {
  expect(queryOf(new URLSearchParams('type=BOSS&sort=height'))).toEqual(query());
});

test('each word is looked for in name and email, and a number as an id too', () => {
  expect(filterOf(query({ text: 'ada "x*\\ 17' }))).toBe('"ada" AND "\\"x\\*\\\\" AND (id = 17 OR "17")');
  expect(filterOf(query({ type: 'USER_TYPE_GUEST' }))).toBe('type = USER_TYPE_GUEST');
  expect(filterOf(query({ type: 'DELETED' }))).toBe('deleteTime:*');
  expect([orderOf(query()), orderOf(query({ falling: true })), orderOf(query({ sort: 'age' }))]).toEqual([
    '',
    'id desc',
    'age',
  ]);
});

test('a change is judged as the filter judges', () => {
  const ada = user({ email: 'Countess@Example.com' });
  expect(matches(query({ text: 'ADA countess' }), ada)).toBe(true);
  expect(matches(query({ text: 'ada eve' }), ada)).toBe(false);
  expect(matches(query({ text: '1' }), ada)).toBe(true);
  expect(matches(query({ type: 'USER_TYPE_GUEST' }), ada)).toBe(false);
  expect(matches(query(), user({ deleteTime: '2026-01-01T00:00:00Z' }))).toBe(false);
  expect(matches(query({ type: 'DELETED' }), user({ deleteTime: '2026-01-01T00:00:00Z' }))).toBe(true);
});

test('users stand in the order of the contract', () => {
  const users = [
    user({ id: '10', name: 'bea' }),
    user({ id: '9', name: 'Bea', age: 3 }),
    user({ id: '2', name: 'ada', age: 0 }),
  ];
  const ids = (asked: Query): string[] => users.toSorted((a, b) => compare(asked, a, b)).map(({ id }) => id);
  expect(ids(query())).toEqual(['2', '9', '10']);
  expect(ids(query({ sort: 'name' }))).toEqual(['2', '9', '10']);
  expect(ids(query({ sort: 'name', falling: true }))).toEqual(['10', '9', '2']);
  expect(ids(query({ sort: 'age' }))).toEqual(['10', '2', '9']);
});
