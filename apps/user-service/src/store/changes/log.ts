import type { user, userService } from '@rollcall/proto';
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type { LoggedUsers } from '../audit/entry.ts';
import type { Engine } from '../engine/engine.ts';
import { prepared, type Slots } from '../engine/prepared.ts';
import { decodeUser, encodeUser } from '../users/logged-user.ts';
import type { ChangesTable, UsersDatabase } from '../engine/tables.ts';
import type { Change } from '../users/view.ts';

/** A change as it was logged. */
export interface LoggedChange {
  /** Its number, in the order of the commits, without holes. */
  readonly seq: bigint;
  readonly kind: userService.WatchEvent_Kind;
  readonly before: user.User | null;
  readonly after: user.User;
  readonly commitTimeMs: bigint;
}

const takeNumbers = prepared((db, slot: Slots<{ count: bigint }>) =>
  db
    .updateTable('counters')
    .set({ value: sql<bigint>`value + ${slot('count')}` })
    .where('name', '=', 'change')
    .returning('value'),
);

const readLast = prepared((db) => db.selectFrom('counters').select('value').where('name', '=', 'change'));

const readBehind = prepared((db, slot: Slots<{ seq: bigint; limit: bigint }>) =>
  db.selectFrom('changes').selectAll().where('seq', '>', slot('seq')).orderBy('seq').limit(slot('limit')),
);

const insert = {
  verb: 'insert',
  table: 'changes',
  columns: [
    ['seq', 'integer'],
    ['kind', 'integer'],
    ['before', 'bytes'],
    ['after', 'bytes'],
    ['commit_time_ms', 'integer'],
  ],
} as const;

/**
 * Logs changes in the transaction that makes them. The number of the first one follows that of the last commit.
 *
 * @returns the users of each change as they were written
 */
export async function logChanges(
  engine: Engine,
  db: Transaction<UsersDatabase>,
  changes: readonly Change[],
  nowMs: bigint,
): Promise<readonly LoggedUsers[]> {
  if (changes.length === 0) return [];
  const [counter] = await takeNumbers(db, { count: BigInt(changes.length) });
  if (counter === undefined) throw new Error('there is no counter of changes');
  let seq = counter.value - BigInt(changes.length);
  const rows = changes.map(({ kind, before, after }): Selectable<ChangesTable> => {
    seq += 1n;
    return {
      seq,
      kind: BigInt(kind),
      before: encodeUser(before),
      after: encodeUser(after),
      commit_time_ms: nowMs,
    };
  });
  await engine.bulk(db, insert, rows);
  return rows;
}

/** The number of the last change that is committed; 0 when there was none. */
export async function lastChange(db: Kysely<UsersDatabase>): Promise<bigint> {
  return (await readLast(db, {}))[0]?.value ?? 0n;
}

/**
 * The changes behind one, in the order of their commits.
 *
 * @returns `gone` when the first of them is not kept any more
 */
export async function changesBehind(
  db: Kysely<UsersDatabase>,
  seq: bigint,
  limit: number,
): Promise<LoggedChange[] | 'gone'> {
  const behind = { seq, limit: BigInt(limit) };
  let rows = await readBehind(db, behind);
  if (rows.length === 0) {
    if ((await lastChange(db)) === seq) return [];
    rows = await readBehind(db, behind); // one may have been committed meanwhile
  }
  return rows[0]?.seq === seq + 1n ? rows.map(toChange) : 'gone';
}

/** Removes changes that are older than this, a number of them. @returns whether there may be more */
export async function forgetChanges(db: Kysely<UsersDatabase>, olderThanMs: bigint, max: number): Promise<boolean> {
  const oldest = await readBehind(db, { seq: 0n, limit: BigInt(max) });
  const kept = oldest.findIndex((row) => row.commit_time_ms >= olderThanMs);
  const last = oldest.at(kept === -1 ? -1 : kept - 1);
  if (last === undefined || kept === 0) return false;
  await db.deleteFrom('changes').where('seq', '<=', last.seq).execute();
  return kept === -1 && oldest.length === max;
}

function toChange(row: Selectable<ChangesTable>): LoggedChange {
  const after = decodeUser(row.after);
  if (after === null) throw new Error(`change ${row.seq} has no user`);
  return {
    seq: row.seq,
    kind: Number(row.kind),
    before: decodeUser(row.before),
    after,
    commitTimeMs: row.commit_time_ms,
  };
}
