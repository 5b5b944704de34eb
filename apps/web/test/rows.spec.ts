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
  ['{"name":"Ada","__proto__":{"age":3},"constructor":1,"toString":2}', { user: { name: 'Ada' } }],
  ['{"id":9007199254740993,"name":"Ada"}', { user: { id: '9007199254740993', name: 'Ada' } }],
  ['{"id":9007199254740997.0}', { field: 'id', wrong: 'must be a whole number, not "9007199254740997.0"' }],
  ['{"id":"x"}', { field: 'id', wrong: 'must be a whole number, not "x"' }],
  [
    '{"createTime":"yesterday"}',
    { field: 'createTime', wrong: 'must be a time such as 2026-01-31T12:00:00Z, not "yesterday"' },
  ],
])('reads the line %s', (line, read) => {
  expect(userInJson(line)).toEqual(read);
});

test('does not send a row that is larger than the service takes', () => {
  const large = { wrong: 'is larger than 1 MiB' };
  expect(userInJson(JSON.stringify({ name: 'x'.repeat(1024 * 1024) }))).toEqual(large);
  expect(userInJson(JSON.stringify({ name: 'ä'.repeat(600 * 1024) }))).toEqual(large);
  expect(userInCells(['name'], ['x'.repeat(1024 * 1024)])).toEqual(large);
  expect(userInJson(JSON.stringify({ name: 'x'.repeat(1000 * 1024) }))).toHaveProperty('user');
});

test('names the types that there are', () => {
  expect(userInJson('{"type":"ADMIN"}')).toMatchObject({ field: 'type' });
  expect(userInJson('{"type":"USER_TYPE_GUEST"}')).toEqual({ user: { type: 'USER_TYPE_GUEST' } });
});

test.each([
  [{ name: 'Ada', age: '36', type: 'guest' }, { user: { name: 'Ada', age: 36, type: 'USER_TYPE_GUEST' } }],
  [{ name: ' Ada ', age: ' ', type: '', email: ' a@b.c ' }, { user: { name: ' Ada ', email: 'a@b.c' } }],
  [{ name: "'-Bob", email: "'+x@example.com" }, { user: { name: '-Bob', email: '+x@example.com' } }],
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

test.each([
  ['users.csv', 'name\nJos\u00e9\n'],
  ['users.ndjson', '{"name":"Jos\u00e9"}\n'],
])('refuses %s when it is not UTF-8', async (name, text) => {
  const latin = new File([Uint8Array.from(text, (character) => character.charCodeAt(0))], name);
  await expect(Array.fromAsync(rowsOf(latin))).rejects.toThrow('The file is not in UTF-8.');
  const cut = new File([new TextEncoder().encode(text).slice(0, text.indexOf('\u00e9') + 1)], name);
  await expect(Array.fromAsync(rowsOf(cut))).rejects.toThrow('The file is not in UTF-8.');
});

test('says that a file is gone', async () => {
  const gone = new File(['name\nAda\n'], 'users.csv');
  gone.stream = () => new ReadableStream({ pull: (controller) => controller.error(new Error('gone')) });
  await expect(Array.fromAsync(rowsOf(gone))).rejects.toThrow('The file cannot be read.');
});

test.each(['users.csv', 'users.ndjson'])(
  'refuses a row of %s that is too long, and goes on behind it',
  async (name) => {
    const long = 'x'.repeat(1_200_000);
    const rows = await rowsIn(
      name,
      name.endsWith('csv') ? `name\n${long}\nAda\n` : `{}\n{"name":"${long}"}\n{"name":"Ada"}\n`,
    );
    expect(rows.slice(-2)).toMatchObject([
      { line: 2, wrong: expect.stringContaining('is longer than 1,000,000 characters') },
      { line: 3, user: { name: 'Ada' } },
    ]);
  },
);
