import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CompiledQuery, type Kysely, sql } from 'kysely';
import { expect, test } from 'vitest';
import { GroupCommit } from '../src/group-commit.ts';
import { openUsersDatabase, type UsersDatabase } from '../src/users-database.ts';
import { makeDirectory } from './service.ts';

/** Opens the database of a directory, and closes it at the end. */
async function openDatabase(path: string) {
  const db = await openUsersDatabase(path);
  return { db, [Symbol.asyncDispose]: () => db.destroy() };
}

function addCounter(db: Kysely<UsersDatabase>, name: string): Promise<unknown> {
  return db.insertInto('counters').values({ name, value: 1 }).execute();
}

async function counters(db: Kysely<UsersDatabase>): Promise<string[]> {
  return (await db.selectFrom('counters').select('name').orderBy('name').execute()).map(({ name }) => name);
}

test('makes its directory', async () => {
  using directory = makeDirectory();
  await using opened = await openDatabase(join(directory.path, 'deep', 'down'));
  expect(await counters(opened.db)).toEqual(['user_id']);
});

test('says why it cannot be opened', async () => {
  using directory = makeDirectory();
  {
    await using opened = await openDatabase(directory.path);
    expect(await counters(opened.db)).toEqual(['user_id']);
    await expect(openUsersDatabase(directory.path)).rejects.toThrow(/users\.sqlite: another process has it open$/);
  }
  await expect(openUsersDatabase(join(directory.path, 'users.sqlite'))).rejects.toThrow(/^DATA_DIR: cannot make /);
});

test('refuses a database that a newer version wrote', async () => {
  using directory = makeDirectory();
  await (await openUsersDatabase(directory.path)).destroy();
  const database = new DatabaseSync(join(directory.path, 'users.sqlite'));
  database.exec(`insert into kysely_migration (name, timestamp) values ('9999_future', '')`);
  database.close();
  await expect(openUsersDatabase(directory.path)).rejects.toThrow(
    /cannot bring .+users\.sqlite up to date: .*9999_future/,
  );
});

test('finds users by name, by address and by type without a scan', async () => {
  using directory = makeDirectory();
  await using opened = await openDatabase(directory.path);
  const live = opened.db.selectFrom('users').selectAll().where('delete_time_ms', 'is', null);
  for (const [index, query] of [
    ['users_name (name=?)', live.where('name', '=', 'x').orderBy('id')],
    ['users_email_key (email_key=?)', live.where('email_key', '=', 'x')],
    ['users_type (type=? AND rowid>?)', live.where('type', '=', 1n).where('id', '>', 1n).orderBy('id')],
  ] as const) {
    const plan = await query.explain<{ detail: string }>(undefined, sql`query plan`);
    expect(plan.map(({ detail }) => detail)).toEqual([`SEARCH users USING INDEX ${index}`]);
  }
});

test('undoes one write of a group that fails after it has written, and keeps the others', async () => {
  using directory = makeDirectory();
  await using opened = await openDatabase(directory.path);
  const commits = new GroupCommit(opened.db);
  const outcomes = await Promise.allSettled([
    commits.run((db) => addCounter(db, 'a')),
    commits.run(async (db) => {
      await addCounter(db, 'b');
      throw new Error('too late');
    }),
    commits.run((db) => addCounter(db, 'c')),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(await counters(opened.db)).toEqual(['a', 'c', 'user_id']);
});

test('fails every write of a group whose commit fails, and goes on with the next group', async () => {
  using directory = makeDirectory();
  await using opened = await openDatabase(directory.path);
  const commits = new GroupCommit(opened.db);
  const outcomes = await Promise.allSettled([
    commits.run((db) => addCounter(db, 'a')),
    commits.run((db) => db.executeQuery(CompiledQuery.raw('rollback'))), // as SQLite does by itself when the disk is full
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await commits.run((db) => addCounter(db, 'b'));
  expect(await counters(opened.db)).toEqual(['b', 'user_id']);
});

test('runs more writes than a group holds, in their order', async () => {
  using directory = makeDirectory();
  await using opened = await openDatabase(directory.path);
  const commits = new GroupCommit(opened.db);
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 1000 }, (_, index) =>
      commits.run(() => {
        order.push(index);
        return Promise.resolve();
      }),
    ),
  );
  expect(order).toEqual(Array.from({ length: 1000 }, (_, index) => index));
});
