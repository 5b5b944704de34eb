import { randomBytes } from 'node:crypto';
import { CompiledQuery, type Kysely, sql } from 'kysely';
import { type Migration, type MigrationProvider, Migrator } from 'kysely/migration';
import { emailKey, nameKey } from '../../query/text-keys.ts';
import type { UsersDatabase } from './tables.ts';

/** What the engines call the same types. */
interface Types {
  readonly integer: string;
  /** Text that is compared by its bytes. */
  readonly text: string;
  readonly bytes: string;
  /** What stands behind the columns of a table. */
  readonly options: string;
}

const sqliteTypes: Types = { integer: 'integer', text: 'text', bytes: 'blob', options: 'strict' };
const postgresTypes: Types = { integer: 'bigint', text: 'text collate "C"', bytes: 'bytea', options: '' };

/** Every migration of an engine by its name, in the order of the names. One that was released never changes. */
const migrations: Record<'sqlite' | 'postgres', Record<string, Migration>> = {
  sqlite: {
    '0001_users': { up: (db) => execute(db, firstSqliteSchema) },
    '0002_directory': {
      async up(db: Kysely<UsersDatabase>): Promise<void> {
        await execute(db, [
          'alter table users rename to users_0001',
          'drop index users_email_key',
          'drop index users_name',
          'drop index users_type',
          'drop table request_ids',
          ...usersSchema(sqliteTypes),
          ...logSchema(sqliteTypes),
        ]);
        await copyUsers(db);
        await execute(db, ['drop table users_0001']);
        await insertFirstValues(db);
      },
    },
    '0003_access': {
      up: (db) => execute(db, [...accessSchema(sqliteTypes), ...sqliteAppendOnly]),
    },
    '0004_credentials': { up: (db) => execute(db, credentialsSchema(sqliteTypes)) },
    '0005_audit_cuts': {
      up: (db) => execute(db, [cutsSchema(sqliteTypes), ...sqliteRemovesCutsAlone]),
    },
  },
  postgres: {
    '0001_directory': {
      async up(db: Kysely<UsersDatabase>): Promise<void> {
        await execute(db, [
          ...usersSchema(postgresTypes),
          `create table counters (name text primary key, value bigint not null)`,
          ...logSchema(postgresTypes),
        ]);
        await db.insertInto('counters').values({ name: 'user_id', value: 1 }).execute();
        await insertFirstValues(db);
      },
    },
    '0002_access': {
      up: (db) => execute(db, [...accessSchema(postgresTypes), ...postgresAppendOnly]),
    },
    '0003_credentials': { up: (db) => execute(db, credentialsSchema(postgresTypes)) },
    '0004_audit_cuts': {
      up: (db) => execute(db, [cutsSchema(postgresTypes), ...postgresRemovesCutsAlone]),
    },
  },
};

/** @throws Error when a migration fails, or the database was written by a newer version */
export async function migrate(db: Kysely<UsersDatabase>, engine: 'sqlite' | 'postgres'): Promise<void> {
  const provider: MigrationProvider = { getMigrations: () => Promise.resolve(migrations[engine]) };
  const { error } = await new Migrator({ db, provider }).migrateToLatest();
  if (error !== undefined) throw error instanceof Error ? error : new Error('a migration failed', { cause: error });
}

function usersSchema({ integer, text, options }: Types): string[] {
  const live = 'where delete_time_ms = 0';
  const deleted = 'where delete_time_ms > 0';
  // An index of SQLite ends with the row's id by itself, and finds a place by it only then.
  const id = integer === 'integer' ? '' : ', id';
  const index = (name: string, column: string, which: string): string =>
    `create index users_${name} on users (${column}${id}) ${which}`;
  return [
    `create table users (
      id ${integer} primary key,
      name ${text} not null,
      name_key ${text} not null,
      email ${text} not null,
      email_key ${text} not null,
      age ${integer} not null,
      type ${integer} not null,
      create_time_ms ${integer} not null,
      update_time_ms ${integer} not null,
      delete_time_ms ${integer} not null,
      purge_time_ms ${integer} not null
    ) ${options}`,
    // Deleted users keep their address and give up their claim to it.
    `create unique index users_email_key on users (email_key) ${live} and email_key <> ''`,
    index('name', 'name_key', live),
    index('email', 'email_key', live),
    index('age', 'age', live),
    index('type', 'type', live),
    index('create_time', 'create_time_ms', live),
    index('update_time', 'update_time_ms', live),
    index('delete_time', 'delete_time_ms', deleted),
    index('purge_time', 'purge_time_ms', deleted),
  ];
}

function logSchema({ integer, text, bytes, options }: Types): string[] {
  return [
    `create table changes (
      seq ${integer} primary key,
      kind ${integer} not null,
      before ${bytes} not null,
      after ${bytes} not null,
      commit_time_ms ${integer} not null
    ) ${options}`,
    `create table request_ids (
      id ${text} primary key,
      request_hash ${bytes} not null,
      answer ${bytes} not null,
      create_time_ms ${integer} not null
    ) ${options}`,
    'create index request_ids_create_time on request_ids (create_time_ms)',
    `create table secrets (name ${text} primary key, value ${bytes} not null) ${options}`,
  ];
}

function accessSchema({ integer, text, bytes, options }: Types): string[] {
  return [
    `create table credentials (
      hash ${bytes} primary key,
      kind ${text} not null,
      user_id ${integer} not null,
      name ${text} not null,
      create_time_ms ${integer} not null,
      expire_time_ms ${integer} not null
    ) ${options}`,
    'create index credentials_user on credentials (user_id)',
    'create index credentials_expire_time on credentials (expire_time_ms)',
    `create unique index credentials_token on credentials (user_id, name) where kind = 'token'`,
    `create table audit (
      seq ${integer} primary key,
      time_ms ${integer} not null,
      caller_id ${integer} not null,
      denied ${integer} not null,
      entry ${bytes} not null,
      hash ${bytes} not null
    ) ${options}`,
    'create index audit_caller on audit (caller_id, seq)',
    'create index audit_denied on audit (seq) where denied = 1',
    'create index audit_denied_caller on audit (caller_id, seq) where denied > 0', // see pages.ts
  ];
}

/** What credentials were made by and when they were used, since when those of a user count, and whose request ids are. */
function credentialsSchema({ integer, text, options }: Types): string[] {
  const longestMs = 400 * 24 * 60 * 60 * 1000;
  return [
    `alter table credentials add column made_by ${text} not null default ''`,
    `alter table credentials add column agent ${text} not null default ''`,
    `alter table credentials add column last_use_time_ms ${integer} not null default 0`,
    // They stood for a user without an end.
    `delete from credentials where kind = 'ticket'`,
    // Some could be made that had no end, or one that is no time.
    `update credentials set expire_time_ms = create_time_ms + ${longestMs}
      where expire_time_ms > create_time_ms + ${longestMs}`,
    `create table revocations (user_id ${integer} primary key, time_ms ${integer} not null) ${options}`,
    // Of those that are there it is not known who sent them: they are nobody's, who is the caller in protected mode.
    `update request_ids set id = '0/' || id`,
  ];
}

const sqliteAppendOnly = [
  'before update on audit',
  'before delete on audit',
  // REPLACE takes rows away without a delete that a trigger would see.
  'before insert on audit when new.seq is not 1 + (select coalesce(max(seq), 0) from audit)',
].map(
  (when, index) => `create trigger audit_append_only_${index + 1} ${when} begin
    select raise(abort, 'the audit log is only appended to');
  end`,
);

const postgresAppendOnly = [
  `create function refuse_to_change_audit() returns trigger language plpgsql as $$
    begin raise exception 'the audit log is only appended to'; end $$`,
  `create trigger audit_append_only before update or delete or truncate on audit
    for each statement execute function refuse_to_change_audit()`,
];

function cutsSchema({ integer, bytes, options }: Types): string {
  return `create table audit_cuts (
    first_seq ${integer} primary key,
    last_seq ${integer} not null,
    hash ${bytes} not null
  ) ${options}`;
}

/** Whether an entry is one of those that were cut. The cuts do not overlap. */
const isCut =
  'old.seq <= coalesce((select last_seq from audit_cuts where first_seq <= old.seq order by first_seq desc limit 1), 0)';

const sqliteRemovesCutsAlone = [
  'drop trigger audit_append_only_2',
  `create trigger audit_append_only_2 before delete on audit when not (${isCut}) begin
    select raise(abort, 'the audit log is only appended to');
  end`,
];

const postgresRemovesCutsAlone = [
  'drop trigger audit_append_only on audit',
  `create trigger audit_append_only before update or truncate on audit
    for each statement execute function refuse_to_change_audit()`,
  `create function refuse_to_remove_audit() returns trigger language plpgsql as $$
    begin
      if ${isCut} then return old; end if;
      raise exception 'the audit log is only appended to';
    end $$`,
  `create trigger audit_removes_cuts_alone before delete on audit
    for each row execute function refuse_to_remove_audit()`,
];

async function insertFirstValues(db: Kysely<UsersDatabase>): Promise<void> {
  await db.insertInto('counters').values({ name: 'change', value: 0 }).execute();
  const secrets = [
    { name: 'directory', value: randomBytes(4) },
    { name: 'page_token', value: randomBytes(32) },
  ];
  await db.insertInto('secrets').values(secrets).execute();
}

/** The first schema of the embedded store. */
const firstSqliteSchema = [
  `create table users (
    id integer primary key,
    name text not null,
    email text not null,
    email_key text,
    age integer,
    type integer not null,
    create_time_ms integer not null,
    update_time_ms integer not null,
    delete_time_ms integer,
    purge_time_ms integer,
    revision integer not null
  ) strict`,
  'create unique index users_email_key on users (email_key) where delete_time_ms is null and email_key is not null',
  'create index users_name on users (name) where delete_time_ms is null',
  'create index users_type on users (type) where delete_time_ms is null',
  'create table counters (name text primary key, value integer not null) strict, without rowid',
  `insert into counters (name, value) values ('user_id', 1)`,
  `create table request_ids (
    id text primary key,
    request_hash blob not null,
    answer blob not null,
    create_time_ms integer not null
  ) strict`,
  'create index request_ids_create_time_ms on request_ids (create_time_ms)',
];

/** Takes the users over from the first schema, whose revisions were not in their times. */
async function copyUsers(db: Kysely<UsersDatabase>): Promise<void> {
  type Old = Record<'id' | 'type' | 'create_time_ms' | 'update_time_ms', bigint> &
    Record<'age' | 'delete_time_ms' | 'purge_time_ms', bigint | null> & { name: string; email: string };
  for (let last = 0n; ;) {
    const { rows } = await sql<Old>`select * from users_0001 where id > ${last} order by id limit 500`.execute(db);
    for (const { id, name, email, type, create_time_ms, update_time_ms, ...optional } of rows) {
      const same = { id, name, email, type, create_time_ms, update_time_ms };
      const keys = { name_key: nameKey(name), email_key: emailKey(email) };
      const { age, delete_time_ms, purge_time_ms } = optional;
      const unset = { age: age ?? -1n, delete_time_ms: delete_time_ms ?? 0n, purge_time_ms: purge_time_ms ?? 0n };
      await db
        .insertInto('users')
        .values({ ...same, ...keys, ...unset })
        .execute();
      last = id;
    }
    if (rows.length < 500) return;
  }
}

async function execute(db: Kysely<UsersDatabase>, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await db.executeQuery(CompiledQuery.raw(statement));
}
