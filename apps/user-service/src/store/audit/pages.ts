import { type Kysely, type Selectable, type SelectQueryBuilder, sql } from 'kysely';
import type { Cut, StoredEntry } from './entry.ts';
import type { Engine } from '../engine/engine.ts';
import type { AuditTable, UsersDatabase } from '../engine/tables.ts';

/** A row of the log. */
export type AuditRow = Selectable<AuditTable>;

/** Which entries to read. */
export interface AuditQuery {
  /** Those of one caller; 0 for those of all. */
  readonly callerId: bigint;
  readonly deniedOnly: boolean;
}

/** Some entries, and whether there are more behind them. */
export interface AuditPage<Row> {
  readonly rows: readonly Row[];
  readonly more: boolean;
}

/** How large a page grows, in bytes, before it ends early: it is in memory, and it is a message. */
const maxPageBytes = 1 << 20;

/** How many rows are read at a time. */
const maxRows = 1000;

const beforeAll = (1n << 63n) - 1n;

// Each index of denied calls is used when the query says what the index is of in the same words, and only then: so that
// PostgreSQL does not walk through all that was denied, whoever called, for the calls of one.
const isDenied = sql<boolean>`denied = 1`;
const isDeniedToCaller = sql<boolean>`denied > 0`;

type Entries<Row> = SelectQueryBuilder<UsersDatabase, 'audit', Row>;

/** Entries before one, the latest first. At least one, when there is one. */
export async function entriesBefore(
  engine: Engine,
  { callerId, deniedOnly }: AuditQuery,
  before: bigint | undefined,
  size: number,
): Promise<AuditPage<StoredEntry & { readonly seq: bigint }>> {
  const seq = before ?? beforeAll;
  const chosen = <Row>(entries: Entries<Row>, limit: number): Entries<Row> => {
    const denied = callerId === 0n ? isDenied : isDeniedToCaller;
    const some = (deniedOnly ? entries.where(denied) : entries).limit(BigInt(limit));
    if (callerId === 0n) return some.where('seq', '<', seq).orderBy('seq', 'desc');
    if (engine.name === 'sqlite')
      return some.where('caller_id', '=', callerId).where('seq', '<', seq).orderBy('seq', 'desc');
    // Said so, it is a stretch of the index of callers for the planner too, and no walk through the log. See docs/decisions/0012.
    return some
      .where(sql<boolean>`(caller_id, seq) < (${callerId}::int8, ${seq}::int8)`)
      .where('caller_id', '>=', callerId)
      .orderBy('caller_id', 'desc')
      .orderBy('seq', 'desc');
  };
  const sizes = await chosen(sizesOf(engine.db), size + 1).execute();
  const count = countWithin(sizes.slice(0, size));
  // Entries are never changed, and new ones come before these: the same ones are found again.
  const rows =
    count === 0 ? [] : await chosen(engine.db.selectFrom('audit').select(['seq', 'entry', 'hash']), count).execute();
  return { rows, more: count < sizes.length };
}

/** The whole log, in the order in which it was written, in pages. What is appended meanwhile is part of it. */
export async function* auditPages(db: Kysely<UsersDatabase>): AsyncGenerator<readonly AuditRow[]> {
  for (let seq = 0n; ;) {
    const chosen = <Row>(entries: Entries<Row>, limit: number): Entries<Row> =>
      entries.where('seq', '>', seq).orderBy('seq').limit(BigInt(limit));
    const count = countWithin(await chosen(sizesOf(db), maxRows).execute());
    if (count === 0) return;
    const rows = await chosen(db.selectFrom('audit').selectAll(), count).execute();
    yield rows;
    seq = rows.at(-1)?.seq ?? seq;
  }
}

/** Where entries were removed, as the table of these says; none in a database that is not brought up to date. */
export async function auditCuts(db: Kysely<UsersDatabase>): Promise<Omit<Cut, 'calls'>[]> {
  const tables = await db.introspection.getTables();
  if (!tables.some(({ name }) => name === 'audit_cuts')) return [];
  const rows = await db.selectFrom('audit_cuts').selectAll().orderBy('first_seq').execute();
  return rows.map(({ first_seq, last_seq, hash }) => ({ firstSeq: first_seq, lastSeq: last_seq, hash }));
}

function sizesOf(db: Kysely<UsersDatabase>) {
  return db.selectFrom('audit').select(['seq', sql<bigint | number>`length(entry)`.as('bytes')]);
}

/** How many of the first entries make a page. */
function countWithin(sizes: readonly { readonly bytes: bigint | number }[]): number {
  let bytes = 0;
  const tooMany = sizes.findIndex((each, index) => (bytes += Number(each.bytes)) > maxPageBytes && index > 0);
  return tooMany === -1 ? sizes.length : tooMany;
}
