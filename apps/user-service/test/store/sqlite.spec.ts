import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { status as Status } from '@grpc/grpc-js';
import { sql } from 'kysely';
import { makeDirectory } from '@rollcall/test-servers';
import { expect, test } from 'vitest';
import { createUser as creation } from '../../src/users/create-user.ts';
import { openSqlite } from '../../src/store/engine/sqlite.ts';
import { all, createUser, newUser, openStore, runMain, spawnService, startService } from '../service.ts';

test('makes its directory', async () => {
  using directory = makeDirectory();
  const engine = await openSqlite(join(directory.path, 'deep', 'down'));
  expect(await engine.db.selectFrom('users').select('id').execute()).toEqual([]);
  await engine.close();
});

test('says why it cannot be opened', async () => {
  using directory = makeDirectory();
  const engine = await openSqlite(directory.path);
  await expect(openSqlite(directory.path)).rejects.toThrow(/users\.sqlite: another process has it open$/);
  await engine.close();
  await expect(openSqlite(join(directory.path, 'users.sqlite'))).rejects.toThrow(/^DATA_DIR: cannot make /);
});

test('refuses a directory that another process has open, with one line and exit code 1', async () => {
  using directory = makeDirectory();
  await using service = await spawnService({ engine: 'sqlite', dataDir: directory.path });
  const { code, stderr } = await runMain({ DATA_DIR: directory.path, USER_LISTEN: '127.0.0.1:0' });
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: `user-service cannot start: cannot open ${directory.path}/users.sqlite: another process has it open\n`,
  });
  expect((await createUser(service.users, {})).id).toBe('1');
});

test('refuses a database that a newer version wrote', async () => {
  using directory = makeDirectory();
  await (await openSqlite(directory.path)).close();
  const database = new DatabaseSync(join(directory.path, 'users.sqlite'));
  database.exec(`insert into kysely_migration (name, timestamp) values ('9999_future', '')`);
  database.close();
  await expect(openSqlite(directory.path)).rejects.toThrow(/cannot bring .+users\.sqlite up to date: .*9999_future/);
});

test('takes the users of the first schema over', async () => {
  using directory = makeDirectory();
  const database = new DatabaseSync(join(directory.path, 'users.sqlite'));
  database.exec(`
    create table kysely_migration (name varchar(255) not null primary key, timestamp varchar(255) not null);
    insert into kysely_migration values ('0001_users', '2026-11-20T12:00:00.000Z');
    create table users (id integer primary key, name text not null, email text not null, email_key text, age integer,
      type integer not null, create_time_ms integer not null, update_time_ms integer not null, delete_time_ms integer,
      purge_time_ms integer, revision integer not null) strict;
    create unique index users_email_key on users (email_key) where delete_time_ms is null and email_key is not null;
    create index users_name on users (name) where delete_time_ms is null;
    create index users_type on users (type) where delete_time_ms is null;
    create table counters (name text primary key, value integer not null) strict, without rowid;
    insert into counters values ('user_id', 702);
    create table request_ids (id text primary key, request_hash blob not null, answer blob not null,
      create_time_ms integer not null) strict;
    with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 700)
      insert into users select n, 'Ünë ' || n, 'U' || n || '@Example.com', 'u' || n || '@example.com', null, 1, n, n, null, null, 1
      from numbers;
    insert into users values (701, 'Gone', '', null, 7, 3, 1, 2, 2, 99999999999999, 2);`);
  database.close();
  await using service = await startService({ engine: 'sqlite', dataDir: directory.path });
  const users = (await all(service.users.exportUsers({ types: [], afterId: '0', filter: 'name:ünë' }))).flatMap(
    (message) => message.users,
  );
  expect(users).toHaveLength(700);
  expect(users[6]).toMatchObject({ id: '7', name: 'Ünë 7', email: 'U7@Example.com', type: 1 });
  expect((await createUser(service.users, {})).id).toBe('702');
  const gone = await service.store.find(['701']);
  expect(gone.get('701')).toMatchObject({ age: 7, deleteTime: { seconds: '0', nanos: 2_000_000 } });
});

/** Turns what the embedded store holds into what the schema before 0004_credentials had. */
function asBeforeCredentials(dataDir: string): void {
  using database = new DatabaseSync(join(dataDir, 'users.sqlite'));
  database.exec(`
    update request_ids set id = substr(id, 3);
    alter table credentials drop column made_by;
    alter table credentials drop column agent;
    alter table credentials drop column last_use_time_ms;
    drop table revocations;
    drop trigger audit_append_only_2;
    create trigger audit_append_only_2 before delete on audit begin
      select raise(abort, 'the audit log is only appended to');
    end;
    drop table audit_cuts;
    delete from kysely_migration where name >= '0004';`);
}

test('takes the request ids of the schema before over: what was sent then is answered again, and not done again', async () => {
  using directory = makeDirectory();
  const before = await startService({ engine: 'sqlite', dataDir: directory.path });
  const first = await createUser(before.users, { name: 'Ada' }, 'a-key');
  await before[Symbol.asyncDispose]();
  asBeforeCredentials(directory.path);
  await using service = await startService({ engine: 'sqlite', dataDir: directory.path });
  expect(await createUser(service.users, { name: 'Ada' }, 'a-key')).toEqual(first);
  await expect(createUser(service.users, { name: 'Eve' }, 'a-key')).rejects.toMatchObject({
    reason: 'REQUEST_ID_REUSED',
  });
  expect((await createUser(service.users, { name: 'Ada' }, 'another-key')).id).not.toBe(first.id);
});

test('ends the credentials of the schema before that had no end, keeps the others, and takes tickets away', async () => {
  using directory = makeDirectory();
  await (await openSqlite(directory.path)).close();
  asBeforeCredentials(directory.path);
  const longestMs = 400 * 24 * 60 * 60 * 1000;
  const made = 1_700_000_000_000;
  const credentials: readonly (readonly [kind: string, name: string, expires: bigint, kept: bigint | undefined])[] = [
    ['token', 'short', BigInt(made + 1000), BigInt(made + 1000)],
    ['token', 'longest', BigInt(made + longestMs), BigInt(made + longestMs)],
    ['token', 'beyond', BigInt(made + longestMs + 1), BigInt(made + longestMs)],
    ['session', '', 9_007_199_254_740_993n, BigInt(made + longestMs)],
    ['token', 'endless', 2n ** 63n - 1n, BigInt(made + longestMs)],
    ['ticket', '', BigInt(made + 1000), undefined],
  ];
  {
    using database = new DatabaseSync(join(directory.path, 'users.sqlite'));
    const insert = database.prepare('insert into credentials values (?, ?, 7, ?, ?, ?)');
    for (const [index, [kind, name, expires]] of credentials.entries())
      insert.run(Buffer.of(index), kind, name, made, expires);
  }
  const engine = await openSqlite(directory.path);
  const rows = await engine.db.selectFrom('credentials').selectAll().orderBy('hash').execute();
  await engine.close();
  expect(rows.map(({ kind, name, expire_time_ms }) => [kind, name, expire_time_ms])).toEqual(
    credentials.flatMap(([kind, name, , kept]) => (kept === undefined ? [] : [[kind, name, kept]])),
  );
  expect(rows.map((row) => [row.made_by, row.agent, Number(row.last_use_time_ms)])).toEqual(
    rows.map(() => ['', '', 0]),
  );
});

test('answers RESOURCE_EXHAUSTED when its disk is full, reads on, and writes again once there is room', async () => {
  await using opened = await openStore();
  const { store, engine } = opened;
  const add = () => store.write(creation(newUser({ name: 'x'.repeat(200) }), ''));
  await add();
  const limitPages = (count: number) => sql`pragma max_page_count = ${sql.lit(count)}`.execute(engine.writer);
  await limitPages(1); // as many as there are now
  const full = { code: Status.RESOURCE_EXHAUSTED, reason: 'DATABASE_FULL' };
  let written = 1;
  const error: unknown = await (async () => {
    for (;;) written = Number((await add()).id);
  })().catch((caught: unknown) => caught);
  expect(error).toMatchObject(full);
  await expect(add()).rejects.toMatchObject(full);
  expect((await store.find([String(written)])).size).toBe(1);
  await limitPages(1_000_000);
  expect((await add()).id).toBe(String(written + 1));
});
