import { type Kysely, sql, type Transaction } from 'kysely';
import { appendAudit } from './chain.ts';
import type { NewEntry } from './entry.ts';
import type { Engine } from '../engine/engine.ts';
import type { UsersDatabase } from '../engine/tables.ts';

/**
 * How many entries of denied calls come of a minute, for those who are nobody and for those who are signed in: each has
 * their own, so that nobody hides what others do. Of the calls beyond it is counted how many there were.
 */
export const maxOfMinute = 500;

const minuteMs = 60_000n;

/** How many of the last entries are looked at: those of a minute and, after an outage, of several. */
const maxLooked = 5000;

/**
 * Appends entries of denied calls, as many as their minutes have room for among all processes that write here.
 *
 * @param db the only transaction that writes
 * @returns those that there was no room for
 */
export async function appendDenied(
  engine: Engine,
  db: Transaction<UsersDatabase>,
  nowMs: bigint,
  entries: readonly NewEntry[],
): Promise<ReadonlySet<NewEntry>> {
  const minuteOf = ({ timeMs = nowMs }: NewEntry): bigint => timeMs / minuteMs;
  const keyOf = (minute: bigint, isNobody: boolean): string => `${minute} ${isNobody}`;
  const since = entries.map(minuteOf).reduce((least, minute) => (minute < least ? minute : least), nowMs / minuteMs);
  const taken = new Map<string, number>();
  for (const { minute, nobody, count } of await countByMinute(db, since * minuteMs))
    taken.set(keyOf(minute, Number(nobody) === 1), Number(count));
  const refused = new Set<NewEntry>();
  for (const entry of entries) {
    const key = keyOf(minuteOf(entry), entry.callerId === '0');
    const before = taken.get(key) ?? 0;
    if (before >= maxOfMinute) refused.add(entry);
    else taken.set(key, before + 1);
  }
  await appendAudit(
    engine,
    db,
    nowMs,
    entries.filter((entry) => !refused.has(entry)),
  );
  return refused;
}

async function countByMinute(db: Kysely<UsersDatabase>, sinceMs: bigint) {
  const last = db
    .selectFrom('audit')
    .select(['time_ms', 'caller_id'])
    .where(sql<boolean>`denied = 1`) // in these words, for the index
    .orderBy('seq', 'desc')
    .limit(maxLooked)
    .as('last');
  return db
    .selectFrom(last)
    .where('time_ms', '>=', sinceMs)
    .select((of) => [
      sql<bigint>`time_ms / ${sql.lit(Number(minuteMs))}`.as('minute'),
      sql<bigint>`case when caller_id = 0 then 1 else 0 end`.as('nobody'),
      of.fn.countAll().as('count'),
    ])
    .groupBy(['minute', 'nobody'])
    .execute();
}
