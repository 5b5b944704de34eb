import type { Transaction } from 'kysely';
import type { Credential } from './reads.ts';
import type { BulkStatement, Engine } from '../engine/engine.ts';
import type { UsersDatabase } from '../engine/tables.ts';

const upsert: BulkStatement = {
  verb: 'upsert',
  table: 'revocations',
  columns: [
    ['user_id', 'integer'],
    ['time_ms', 'integer'],
  ],
};

/**
 * Removes all that users sign in by. What was issued until now elsewhere, such as tokens of the issuer and what was made
 * by them, does not stand for them any more either.
 *
 * @returns what was removed, also what had expired
 */
export async function revokeAll(
  engine: Engine,
  db: Transaction<UsersDatabase>,
  userIds: readonly bigint[],
  nowMs: bigint,
): Promise<Credential[]> {
  if (userIds.length === 0) return [];
  await engine.bulk(
    db,
    upsert,
    userIds.map((user_id) => ({ user_id, time_ms: nowMs })),
  );
  return db
    .deleteFrom('credentials')
    .where('user_id', 'in', [...userIds])
    .where('kind', '<>', 'ended')
    .returningAll()
    .execute();
}
