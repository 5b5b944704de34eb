import { join } from 'node:path';
import { makeDirectory } from '@rollcall/test-servers';
import { expect, test } from 'vitest';
import { NodeSqlite } from '../src/node-sqlite.ts';
import { isDiskError } from '../src/sqlite-errors.ts';
import { SqliteLock } from '../src/sqlite-lock.ts';
import { SqliteWriter } from '../src/sqlite-writer.ts';

const statement = (sql: string, parameters: readonly unknown[] = []) =>
  ({ kind: 'statement', sql, parameters }) as const;

test('shows what it writes to another connection once it is committed', async () => {
  using directory = makeDirectory();
  const file = join(directory.path, 'numbers.sqlite');
  const reader = new NodeSqlite(file);
  const writer = new SqliteWriter(file);
  await writer.run(statement('create table numbers (number integer primary key) strict'));
  await writer.run(statement('begin immediate'));
  await writer.run({ kind: 'rows', sql: 'insert into numbers values (?)', rows: [[1], [2n ** 60n]] });
  expect(reader.prepare('select number from numbers').all([])).toEqual([]);
  await writer.run(statement('commit'));
  expect(reader.prepare('select number from numbers').all([])).toEqual([{ number: 1n }, { number: 2n ** 60n }]);
  await writer.close();
  reader.close();
});

test('answers each request in turn, with the error of the one that failed', async () => {
  using directory = makeDirectory();
  const writer = new SqliteWriter(join(directory.path, 'numbers.sqlite'));
  const [one, wrong, two] = await Promise.allSettled([
    writer.run(statement('select 1 as number')),
    writer.run(statement('select * from nowhere')),
    writer.run(statement('select 2 as number')),
  ]);
  expect(one).toMatchObject({ value: { rows: [{ number: 1n }] } });
  expect(wrong).toMatchObject({ reason: { message: 'no such table: nowhere', errcode: 1 } });
  expect(two).toMatchObject({ value: { rows: [{ number: 2n }] } });
  await writer.run({ kind: 'rollback' }); // without a transaction too
  await writer.close();
  expect(await writer.whyNot()).toMatch('has ended');
  await expect(writer.run(statement('select 1'))).rejects.toThrow('has ended');
});

test('says at each request why it cannot write', async () => {
  using directory = makeDirectory();
  const writer = new SqliteWriter(join(directory.path, 'missing', 'numbers.sqlite'));
  await expect(writer.run(statement('select 1'))).rejects.toThrow('unable to open database file');
  await expect(writer.run(statement('select 1'))).rejects.toThrow('unable to open database file');
  await writer.close();
});

test('has a lock that one holder has at a time', () => {
  using directory = makeDirectory();
  const file = join(directory.path, 'users.lock');
  const lock = new SqliteLock(file);
  expect(() => new SqliteLock(file)).toThrow('database is locked');
  lock.close();
  new SqliteLock(file).close();
});

test.each([
  ['has no room', 'pragma max_page_count = 1', 'pragma max_page_count = 100000', 'database or disk is full', true],
  ['only reads', 'pragma query_only = 1', 'pragma query_only = 0', 'attempt to write a readonly database', false],
])('of a disk that %s: says why it cannot write, until it can again', async (_what, breaks, mends, why, isFull) => {
  using directory = makeDirectory();
  const told = (cause: Error, full: boolean) => new Error(`the disk: ${full}`, { cause });
  const writer = new SqliteWriter(join(directory.path, 'numbers.sqlite'), told);
  await writer.run(statement('create table numbers (number integer primary key, text text) strict'));
  expect(await writer.whyNot()).toBeUndefined();
  await writer.run(statement(breaks));
  const add = () => writer.run(statement('insert into numbers (text) values (?)', ['x'.repeat(10_000)]));
  const failed: unknown = await add().catch((error: unknown) => error);
  expect(failed).toMatchObject({ message: `the disk: ${isFull}`, cause: { message: why } });
  expect(isFull ? why : await writer.whyNot()).toBe(why); // it has tried again; a page that is there has room
  await writer.run(statement(mends));
  expect(await writer.whyNot()).toBeUndefined();
  await add();
  await writer.close();
});

test.each([
  [8, true],
  [10, true],
  [778, true], // SQLITE_IOERR_WRITE
  [1032, true], // SQLITE_READONLY_DBMOVED
  [11, true],
  [13, true],
  [14, true],
  [26, true],
  [1, false],
  [5, false],
  [2067, false], // SQLITE_CONSTRAINT_UNIQUE
])('takes the result code %i for one of the disk: %s', (errcode, isOfDisk) => {
  expect(isDiskError(Object.assign(new Error(), { errcode }))).toBe(isOfDisk);
});
