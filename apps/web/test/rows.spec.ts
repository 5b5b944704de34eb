import { expect, test } from 'vitest';
import { rowsOf, userInCells, userInJson } from '../src/import/rows.ts';

test.each([
  ['{"id":"1","name":"Ada","etag":"x","age":null}', { user: { id: '1', name: 'Ada' } }],
  ['{"user":{"name":"Ada","age":3}}', { user: { name: 'Ada', age: 3 } }],
  ['{"name":', { wrong: 'is no JSON' }],
  ['[]', { wrong: 'is no JSON object' }],
  ['7', { wrong: 'is no JSON object' }],
  ['{"name":7}', { field: 'name', wrong: 'must be a text, not 7' }],
  ['{"age":1.5}', { field: 'age', wrong: 'must be a whole number, not 1.5' }],
  ['{"id":"x"}', { field: 'id', wrong: 'must be a whole number, not "x"' }],
  [
    '{"createTime":"yesterday"}',
    { field: 'createTime', wrong: 'must be a time such as 2026-01-31T12:00:00Z, not "yesterday"' },
  ],
])('reads the line %s', (line, read) => {
  expect(userInJson(line)).toEqual(read);
});

test('names the types that there are', () => {
  expect(userInJson('{"type":"ADMIN"}')).toMatchObject({ field: 'type' });
  expect(userInJson('{"type":"USER_TYPE_GUEST"}')).toEqual({ user: { type: 'USER_TYPE_GUEST' } });
});

test.each([
  [{ name: 'Ada', age: '36', type: 'guest' }, { user: { name: 'Ada', age: 36, type: 'USER_TYPE_GUEST' } }],
  [{ name: ' Ada ', age: '', type: '', email: '' }, { user: { name: 'Ada' } }],
  [
    { name: 'Ada', age: 'old' },
    { field: 'age', wrong: 'must be a whole number, not "old"' },
  ],
  [
    { name: 'Ada', type: 'boss' },
    { field: 'type', wrong: 'must be Normal, Administrator, Guest or Disabled, not "boss"' },
  ],
])('reads the cells %j', (cells, read) => {
  expect(userInCells(Object.keys(cells), Object.values(cells))).toEqual(read);
});

const rowsIn = (name: string, text: string) => Array.fromAsync(rowsOf(new File([text], name)));

test('reads a table by its heading, and says of each row on which line it is', async () => {
  const rows = await rowsIn('users.CSV', 'E-Mail Address,Full,NAME\na@example.com,x,Ada\n\n,y,Eve\n');
  expect(rows).toMatchObject([
    { line: 2, user: { email: 'a@example.com', name: 'Ada' } },
    { line: 4, user: { name: 'Eve' } },
  ]);
});

test('refuses a table that names no column "name", once', async () => {
  const rows = await rowsIn('users.csv', 'Ada,3\nEve,4\n');
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatchObject({ line: 1, wrong: expect.stringContaining('must name the columns') });
});

test('counts empty lines, and comes to the end of a file with its last row', async () => {
  const text = '{"name":"Ada"}\n\n{"name":"Eve"}';
  const rows = await rowsIn('users.ndjson', text);
  expect(rows.map(({ line }) => line)).toEqual([1, 3]);
  expect(rows.at(-1)?.end).toBeGreaterThanOrEqual(text.length);
});
