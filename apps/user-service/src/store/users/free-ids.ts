import { type Kysely, sql } from 'kysely';
import { prepared, type Slots } from '../engine/prepared.ts';
import type { UsersDatabase } from '../engine/tables.ts';

const readNext = prepared((db) => db.selectFrom('counters').select('value').where('name', '=', 'user_id'));

const setNext = prepared((db, slot: Slots<{ next: bigint }>) =>
  db
    .updateTable('counters')
    .set({ value: slot('next') })
    .where('name', '=', 'user_id'),
);

const takenFrom = prepared((db, slot: Slots<{ from: bigint; count: bigint }>) =>
  db.selectFrom('users').select('id').where('id', '>=', slot('from')).orderBy('id').limit(slot('count')),
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
 * Ids for users who were given none, from the counter on; callers may have chosen some there.
 *
 * @throws Error when the database has no counter
 */
export async function freeIds(db: Kysely<UsersDatabase>, count: number): Promise<bigint[]> {
  const [counter] = await readNext(db, {});
  if (counter === undefined) throw new Error('there is no counter of user ids');
  const free: bigint[] = [];
  for (let from = counter.value; free.length < count;) {
    const taken = await takenFrom(db, { from, count: BigInt(count) });
    const behind = new Set(taken.map(({ id }) => id));
    const last = taken.length < count ? undefined : taken.at(-1)?.id; // behind it nothing is known yet
    let id = from;
    for (; free.length < count && (last === undefined || id <= last); id++) if (!behind.has(id)) free.push(id);
    from =
      last === undefined || free.length === count ? id : ((await lastInRow(db, { taken: last }))[0]?.id ?? last) + 1n;
  }
  return free;
}

/** Lets the next user have this id. */
export async function setNextId(db: Kysely<UsersDatabase>, next: bigint): Promise<void> {
  await setNext(db, { next });
}
