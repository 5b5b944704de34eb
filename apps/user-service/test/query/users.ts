import { user } from '@rollcall/proto';
import { Kysely, sql } from 'kysely';
import type { QueriedUsers } from '../../src/query/queried-users.ts';
import { emailKey, nameKey } from '../../src/query/text-keys.ts';
import { NodeSqlite, NodeSqliteDialect } from '@rollcall/sqlite';

/** A user of a test: what is left out is not known. */
export interface TestUser {
  readonly id: number;
  readonly name?: string;
  readonly email?: string;
  readonly age?: number;
  readonly type?: user.UserType;
  readonly createTimeMs?: number;
  readonly updateTimeMs?: number;
  readonly deleteTimeMs?: number;
  readonly purgeTimeMs?: number;
}

export function toMessage(from: TestUser): user.User {
  return {
    id: String(from.id),
    name: from.name ?? 'Ada',
    email: from.email ?? '',
    age: from.age,
    type: from.type ?? user.UserType.USER_TYPE_NORMAL,
    createTime: toTimestamp(from.createTimeMs ?? 1000),
    updateTime: toTimestamp(from.updateTimeMs ?? 1000),
    deleteTime: from.deleteTimeMs === undefined ? null : toTimestamp(from.deleteTimeMs),
    purgeTime: from.purgeTimeMs === undefined ? null : toTimestamp(from.purgeTimeMs),
    etag: '',
  };
}

function toTimestamp(ms: number): { seconds: string; nanos: number } {
  const seconds = Math.floor(ms / 1000);
  return { seconds: String(seconds), nanos: (ms - seconds * 1000) * 1_000_000 };
}

export function toRow(from: TestUser): QueriedUsers {
  const name = from.name ?? 'Ada';
  const email = from.email ?? '';
  return {
    id: BigInt(from.id),
    name,
    name_key: nameKey(name),
    email,
    email_key: emailKey(email),
    age: BigInt(from.age ?? -1),
    type: BigInt(from.type ?? user.UserType.USER_TYPE_NORMAL),
    create_time_ms: BigInt(from.createTimeMs ?? 1000),
    update_time_ms: BigInt(from.updateTimeMs ?? 1000),
    delete_time_ms: BigInt(from.deleteTimeMs ?? 0),
    purge_time_ms: BigInt(from.purgeTimeMs ?? 0),
  };
}

/** An empty table of users in memory. */
export async function openUsers() {
  const db = new Kysely<{ users: QueriedUsers }>({
    dialect: new NodeSqliteDialect({ database: new NodeSqlite(':memory:') }),
  });
  const table = db.schema.createTable('users').addColumn('id', 'integer', (column) => column.notNull().primaryKey());
  await (['name', 'name_key', 'email', 'email_key'] as const)
    .reduce((made, name) => made.addColumn(name, 'text', (column) => column.notNull()), table)
    .addColumn('age', 'integer', (column) => column.notNull())
    .addColumn('type', 'integer', (column) => column.notNull())
    .addColumn('create_time_ms', 'integer', (column) => column.notNull())
    .addColumn('update_time_ms', 'integer', (column) => column.notNull())
    .addColumn('delete_time_ms', 'integer', (column) => column.notNull())
    .addColumn('purge_time_ms', 'integer', (column) => column.notNull())
    .modifyEnd(sql`strict`)
    .execute();
  await db.schema.createIndex('users_name_key').on('users').columns(['name_key', 'id']).execute();
  return {
    db,
    /** Makes these all the users there are. */
    async replaceWith(users: readonly TestUser[]): Promise<void> {
      await db.deleteFrom('users').execute();
      if (users.length > 0) await db.insertInto('users').values(users.map(toRow)).execute();
    },
    [Symbol.asyncDispose]: () => db.destroy(),
  };
}
