import type { Timestamp, user } from '@rollcall/proto';
import type { Selectable } from 'kysely';
import { emailKey, nameKey } from '../../query/text-keys.ts';
import type { UsersTable } from '../engine/tables.ts';

/** A user as it is read from the store. */
export type Row = Selectable<UsersTable>;

/** What of a row makes a user. */
export type UserRow = Omit<Row, 'name_key' | 'email_key'>;

/** The columns of it. */
export const userColumns = [
  'id',
  'name',
  'email',
  'age',
  'type',
  'create_time_ms',
  'update_time_ms',
  'delete_time_ms',
  'purge_time_ms',
] as const satisfies readonly (keyof UserRow)[];

/** What of a user the caller decides. */
export type UserFields = Pick<user.User, 'name' | 'email' | 'age' | 'type'>;

/** What columns those fields are kept in. */
export function fieldColumns({ name, email, age, type }: UserFields) {
  return {
    name,
    name_key: nameKey(name),
    email,
    email_key: emailKey(email),
    age: BigInt(age ?? -1),
    type: BigInt(type),
  };
}

/** What the caller decides of a stored user. */
export function storedFields({ name, email, age, type }: Row): UserFields {
  return { name, email, age: age < 0n ? undefined : Number(age), type: Number(type) };
}

/** Whether a row has these fields already. */
export function isSame(row: Row, columns: ReturnType<typeof fieldColumns>): boolean {
  return (
    row.name === columns.name && row.email === columns.email && row.age === columns.age && row.type === columns.type
  );
}

/** The row of a user who is new, and live. */
export function newRow(id: bigint, fields: UserFields, createTimeMs: bigint, updateTimeMs = createTimeMs): Row {
  return {
    id,
    ...fieldColumns(fields),
    create_time_ms: createTimeMs,
    update_time_ms: updateTimeMs,
    delete_time_ms: 0n,
    purge_time_ms: 0n,
  };
}

/** The row with other fields, and as a version of its own. */
export function changedRow(row: Row, changes: Partial<Row>, nowMs: bigint): Row {
  return { ...row, ...changes, update_time_ms: nowMs > row.update_time_ms ? nowMs : row.update_time_ms + 1n };
}

/** The user that a row holds. */
export function toUser(row: UserRow): user.User {
  return {
    id: String(row.id),
    name: row.name,
    email: row.email,
    age: row.age < 0n ? undefined : Number(row.age),
    type: Number(row.type),
    createTime: toTimestamp(row.create_time_ms),
    updateTime: toTimestamp(row.update_time_ms),
    deleteTime: row.delete_time_ms === 0n ? null : toTimestamp(row.delete_time_ms),
    purgeTime: row.purge_time_ms === 0n ? null : toTimestamp(row.purge_time_ms),
    etag: etagOf(row),
  };
}

/** Names this version of the user. The time of creation tells users apart who had the same id one after the other. */
export function etagOf({ create_time_ms: created, update_time_ms: updated }: UserRow): string {
  const first = Number(created).toString(36); // exact, as below
  return `${first}-${updated === created ? first : Number(updated).toString(36)}`;
}

export function toTimestamp(ms: bigint): Timestamp {
  const number = Number(ms); // exact: milliseconds since the epoch have 41 bits
  const seconds = Math.floor(number / 1000);
  return { seconds: String(seconds), nanos: (number - seconds * 1000) * 1_000_000 };
}
