import { type Kysely, sql } from 'kysely';
import { prepared, type Slots } from './prepared.ts';
import type { UsersDatabase } from './users-database.ts';

const takeNext = prepared((db) =>
  db
    .updateTable('counters')
    .set({ value: sql<bigint>`value + 1` })
    .where('name', '=', 'user_id')
    .returning(sql<bigint>`value - 1`.as('id')),
);

const setNext = prepared((db, slot: Slots<{ next: bigint }>) =>
  db
    .updateTable('counters')
    .set({ value: slot('next') })
    .where('name', '=', 'user_id'),
);

const findId = prepared((db, slot: Slots<{ id: bigint }>) =>
  db.selectFrom('users').select('id').where('id', '=', slot('id')),
);

/** The last of the ids that follow one another from a taken one. */
const lastInRow = prepared((db, slot: Slots<{ taken: bigint }>) =>
  db
    .selectFrom('users as user')
    .select('user.id')
    .where('user.id', '>=', slot('taken'))
    .where((is) => {
      const next = is.selectFrom('users as next').select('next.id');
      return is.not(is.exists(next.whereRef('next.id', '=', sql<bigint>`"user"."id" + 1`)));
    })
    .orderBy('user.id')
    .limit(1),
);

/**
 * The id for a user who was given none. The counter keeps ids small and dense.
 *
 * @throws Error when the database has no counter
 */
export async function assignedId(db: Kysely<UsersDatabase>): Promise<bigint> {
  const [next] = await takeNext(db, {});
  if (next === undefined) throw new Error('there is no counter of user ids');
  return next.id;
}

/** The id to try when the assigned one is taken, because a caller chose it: the next free one, in one walk along the ids. */
export async function assignedIdBehind(db: Kysely<UsersDatabase>, taken: bigint): Promise<bigint> {
  const [last] = await lastInRow(db, { taken });
  const id = (last?.id ?? taken) + 1n;
  await setNext(db, { next: id + 1n });
  return id;
}

/** Lets the next user have an id that was assigned in this transaction and is not used after all. */
export async function giveBack(db: Kysely<UsersDatabase>, id: bigint): Promise<void> {
  await setNext(db, { next: id });
}

/** Whether a user, live or deleted, has the id. */
export async function isTaken(db: Kysely<UsersDatabase>, id: bigint): Promise<boolean> {
  return (await findId(db, { id })).length > 0;
}
