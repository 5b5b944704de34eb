import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ColumnType, Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { openSqlite } from './node-sqlite.ts';

/** An integer column: read as bigint, since ids go beyond what a number can hold. */
type Integer = ColumnType<bigint, number | bigint, number | bigint>;
type OptionalInteger = ColumnType<bigint | null, number | bigint | null, number | bigint | null>;

export interface UsersTable {
  id: Integer;
  name: string;
  /** As the caller wrote it; empty when it is not known. */
  email: string;
  /** What makes two addresses the same; null when there is none. */
  email_key: string | null;
  age: OptionalInteger;
  type: Integer;
  create_time_ms: Integer;
  update_time_ms: Integer;
  delete_time_ms: OptionalInteger;
  purge_time_ms: OptionalInteger;
  /** Counts the versions of the user, from 1. */
  revision: Integer;
}

/** Numbers that are given out in order. */
interface CountersTable {
  name: string;
  /** The one that is given out next. */
  value: Integer;
}

/** The first answers to requests that may be sent again. */
interface RequestIdsTable {
  id: string;
  request_hash: Uint8Array;
  /** The encoded response. */
  answer: Uint8Array;
  create_time_ms: Integer;
}

export interface UsersDatabase {
  users: UsersTable;
  counters: CountersTable;
  request_ids: RequestIdsTable;
}

/** Every migration by its name, in the order of the names. One that was released never changes. */
const migrations: Record<string, Migration> = {
  '0001_users': {
    async up(db: Kysely<UsersDatabase>): Promise<void> {
      await db.schema
        .createTable('users')
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('email', 'text', (column) => column.notNull())
        .addColumn('email_key', 'text')
        .addColumn('age', 'integer')
        .addColumn('type', 'integer', (column) => column.notNull())
        .addColumn('create_time_ms', 'integer', (column) => column.notNull())
        .addColumn('update_time_ms', 'integer', (column) => column.notNull())
        .addColumn('delete_time_ms', 'integer')
        .addColumn('purge_time_ms', 'integer')
        .addColumn('revision', 'integer', (column) => column.notNull())
        .modifyEnd(sql`strict`)
        .execute();
      const index = db.schema.createIndex.bind(db.schema);
      // Deleted users keep their address and give up their claim to it.
      await index('users_email_key')
        .unique()
        .on('users')
        .column('email_key')
        .where(sql.ref('delete_time_ms'), 'is', null)
        .where(sql.ref('email_key'), 'is not', null)
        .execute();
      // Each also holds the id, as every index of SQLite does: what is found comes in the order of the ids.
      await index('users_name').on('users').column('name').where(sql.ref('delete_time_ms'), 'is', null).execute();
      await index('users_type').on('users').column('type').where(sql.ref('delete_time_ms'), 'is', null).execute();

      await db.schema
        .createTable('counters')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('value', 'integer', (column) => column.notNull())
        .modifyEnd(sql`strict, without rowid`)
        .execute();
      await db.insertInto('counters').values({ name: 'user_id', value: 1 }).execute();

      await db.schema
        .createTable('request_ids')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('request_hash', 'blob', (column) => column.notNull())
        .addColumn('answer', 'blob', (column) => column.notNull())
        .addColumn('create_time_ms', 'integer', (column) => column.notNull())
        .modifyEnd(sql`strict`)
        .execute();
      await index('request_ids_create_time_ms').on('request_ids').column('create_time_ms').execute();
    },
  },
};

/** Makes a directory and its parents. Node's own `recursive` never returns where the system refuses new files, as /proc does. */
function makeDirectory(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) return;
  if (found !== undefined) throw new Error(`${path} is no directory`);
  makeDirectory(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

/**
 * Opens `users.sqlite` in a directory, which is made if it is missing, and brings it up to date.
 *
 * @throws Error when another process has it open, it cannot be opened, or a newer version of the service wrote it
 */
export async function openUsersDatabase(dataDir: string): Promise<Kysely<UsersDatabase>> {
  const file = join(dataDir, 'users.sqlite');
  try {
    makeDirectory(dataDir);
  } catch (cause) {
    throw new Error(`DATA_DIR: cannot make ${dataDir}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
  const db = new Kysely<UsersDatabase>({ dialect: openSqlite(file) });
  const { error } = await new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(migrations) },
  }).migrateToLatest();
  if (error === undefined) return db;
  await db.destroy();
  throw new Error(`cannot bring ${file} up to date: ${error instanceof Error ? error.message : 'a migration failed'}`, {
    cause: error,
  });
}
