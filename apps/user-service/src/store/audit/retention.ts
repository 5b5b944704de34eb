import type { Transaction } from 'kysely';
import { appendAudit } from './chain.ts';
import { type Cut, decodeEntry, systemOrigin } from './entry.ts';
import type { AuditRow } from './pages.ts';
import type { Engine } from '../engine/engine.ts';
import type { UsersDatabase } from '../engine/tables.ts';

/** How long entries of the audit log are kept, in milliseconds. */
export interface AuditRetention {
  readonly keepMs: number;
  /** Those of calls that were denied: anybody can make such calls. */
  readonly keepDeniedMs: number;
}

/** How many entries a transaction removes: others write in between. */
const maxRemoved = 500;

/** For how long fewer entries than that wait for others, in milliseconds: removing them takes an entry, too. */
const collectMs = 24 * 60 * 60 * 1000;

type Due = Pick<AuditRow, 'seq' | 'time_ms' | 'hash' | 'denied'>;

/**
 * Removes entries that have been kept for long enough, a number of them: the oldest ones, whatever they are, and calls
 * that were denied, from between the others. An entry that is appended seals what the chain goes on from.
 *
 * @returns whether there may be more
 */
export async function shortenAudit(
  engine: Engine,
  db: Transaction<UsersDatabase>,
  nowMs: bigint,
  { keepMs, keepDeniedMs }: AuditRetention,
): Promise<boolean> {
  const some = db.selectFrom('audit').select(['seq', 'time_ms', 'hash', 'denied']).orderBy('seq').limit(maxRemoved);
  const oldest = dueOf(await some.execute(), nowMs - BigInt(keepMs));
  const last = oldest.at(-1);
  if (last !== undefined) {
    await cut(engine, db, nowMs, [{ ...(await cutOf(db, oldest)), firstSeq: 1n }]);
    return oldest.length === maxRemoved;
  }
  if (keepDeniedMs >= keepMs) return false;
  const denied = dueOf(await some.where('denied', '=', 1n).execute(), nowMs - BigInt(keepDeniedMs));
  const cuts: Cut[] = [];
  for (const run of runsOf(denied)) cuts.push(await cutOf(db, run));
  if (cuts.length > 0) await cut(engine, db, nowMs, cuts);
  return denied.length === maxRemoved;
}

/** Those that are due, when they are many, or wait for long enough already. */
function dueOf(rows: readonly Due[], untilMs: bigint): readonly Due[] {
  const kept = rows.findIndex(({ time_ms }) => time_ms >= untilMs);
  const due = kept === -1 ? rows : rows.slice(0, kept);
  const isOverdue = (due[0]?.time_ms ?? untilMs) < untilMs - BigInt(collectMs);
  return due.length === maxRemoved || isOverdue ? due : [];
}

/** Entries that follow one another, together. */
function runsOf(rows: readonly Due[]): Due[][] {
  const runs: Due[][] = [];
  for (const row of rows) {
    const run = runs.at(-1);
    if (run?.at(-1)?.seq === row.seq - 1n) run.push(row);
    else runs.push([row]);
  }
  return runs;
}

async function cutOf(db: Transaction<UsersDatabase>, rows: readonly Due[]): Promise<Cut> {
  const [first, last] = [rows[0], rows.at(-1)];
  if (first === undefined || last === undefined) throw new Error('there is nothing to cut');
  const denied = db.selectFrom('audit').select('entry').where('denied', '=', 1n);
  const entries = await denied.where('seq', '>=', first.seq).where('seq', '<=', last.seq).execute();
  const callsDenied = entries.reduce((sum, { entry }) => sum + BigInt(decodeEntry(entry).count), 0n);
  const done = rows.length - entries.length;
  return { firstSeq: first.seq, lastSeq: last.seq, hash: last.hash, calls: callsDenied + BigInt(done) };
}

async function cut(engine: Engine, db: Transaction<UsersDatabase>, nowMs: bigint, cuts: readonly Cut[]): Promise<void> {
  // First, so that there is always an entry that the next one follows.
  await appendAudit(engine, db, nowMs, [
    { ...systemOrigin, cuts, note: 'removed, for they were kept for long enough' },
  ]);
  for (const { firstSeq, lastSeq, hash } of cuts) {
    await db.deleteFrom('audit_cuts').where('first_seq', '>=', firstSeq).where('last_seq', '<=', lastSeq).execute();
    await db.insertInto('audit_cuts').values({ first_seq: firstSeq, last_seq: lastSeq, hash }).execute();
    await db.deleteFrom('audit').where('seq', '>=', firstSeq).where('seq', '<=', lastSeq).execute();
  }
}
