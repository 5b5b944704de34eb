import { setImmediate } from 'node:timers/promises';
import { makeDirectory } from '@rollcall/test-servers';
import { Kysely } from 'kysely';
import { expect, test } from 'vitest';
import { NodeSqlite } from '../src/node-sqlite.ts';
import { openSqlite } from '../src/open-sqlite.ts';

async function openNumbers(dataDir: string) {
  const file = await openSqlite<Record<string, never>>({
    dataDir,
    name: 'numbers',
    migrate: async (db: Kysely<Record<string, never>>) => {
      await db.schema.createTable('numbers').ifNotExists().addColumn('number', 'integer').execute();
    },
    diskError: (cause) => cause,
  });
  const count = (): unknown => file.read('select count(*) as count from numbers', [])[0];
  return { file, count };
}

const insert = 'insert into numbers values (1)';

test('reads of one turn share a transaction, and the next turn has its own', async () => {
  using directory = makeDirectory();
  const { file, count } = await openNumbers(directory.path);
  const other = new NodeSqlite(`${directory.path}/numbers.sqlite`);
  await setImmediate();
  expect([count(), count()]).toEqual([{ count: 0n }, { count: 0n }]);
  other.prepare(insert).run([]);
  expect(count()).toEqual({ count: 0n });
  await Promise.resolve();
  expect(count()).toEqual({ count: 0n });
  await setImmediate();
  expect(count()).toEqual({ count: 1n });
  other.close();
  await file.close();
});

test('whoever has seen a write answered reads it, whatever was read in that turn before', async () => {
  using directory = makeDirectory();
  const { file, count } = await openNumbers(directory.path);
  for (let written = 1n; written <= 200n; written += 1n) {
    for (let reads = 0; reads < 3; reads += 1) count();
    await file.writer.run({ kind: 'statement', sql: insert, parameters: [] });
    expect([count(), count(), count()]).toEqual([{ count: written }, { count: written }, { count: written }]);
  }
  await file.close();
});

test('it can be closed in a turn that reads', async () => {
  using directory = makeDirectory();
  const { file, count } = await openNumbers(directory.path);
  expect([count(), count()]).toEqual([{ count: 0n }, { count: 0n }]);
  await file.close();
  await setImmediate();
});
