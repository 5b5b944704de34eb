import { type Compilable, type CompiledQuery, type DialectAdapter, type Kysely, type RawBuilder, sql } from 'kysely';
import type { UsersDatabase } from './tables.ts';

/** Names a value that comes with each run of the query. */
export interface Slots<Values> {
  <Name extends keyof Values>(name: Name): RawBuilder<Values[Name]>;
}

/** Stands for a value that comes with each run, among the parameters of a compiled query. */
export class Slot {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

interface Prepared<Row> {
  readonly query: CompiledQuery<Row>;
  readonly slots: readonly (Slot | undefined)[];
}

/** Runs a statement that reads, past kysely. */
type Read = (sql: string, parameters: readonly unknown[]) => unknown[];

const reads = new WeakMap<object, Read>();

/**
 * Has prepared queries of one row or a few read past kysely: its queue for the one connection, and what it awaits on the
 * way, cost more than the statement. The connection must have no transactions and no open cursors.
 */
export function readDirectly(db: Kysely<UsersDatabase>, read: Read): void {
  reads.set(db, read);
}

/**
 * Builds a query once for each engine, to be run many times: for a query of one row, building and compiling it takes
 * kysely several times as long as SQLite takes to answer.
 *
 * @param build makes the query, with `slot('name')` where a value goes that each run gives
 */
export function prepared<Values extends object, Row>(
  build: (db: Kysely<UsersDatabase>, slot: Slots<Values>) => Compilable<Row>,
): (db: Kysely<UsersDatabase>, values: Values) => Promise<Row[]> {
  const byAdapter = new WeakMap<DialectAdapter, Prepared<Row>>();
  return async (db, values) => {
    const { adapter } = db.getExecutor();
    let known = byAdapter.get(adapter);
    if (known === undefined) {
      const query = build(db, (name) => sql`${new Slot(String(name))}`).compile();
      const slots = query.parameters.map((parameter) => (parameter instanceof Slot ? parameter : undefined));
      byAdapter.set(adapter, (known = { query, slots }));
    }
    const { query, slots } = known;
    const given: Partial<Record<PropertyKey, unknown>> = values;
    const parameters = slots.map((slot, index) => (slot === undefined ? query.parameters[index] : given[slot.name]));
    const read = reads.get(db);
    if (read !== undefined) return read(query.sql, parameters) as Row[]; // as kysely takes it, too
    const bound: CompiledQuery<Row> = { ...query, parameters };
    return (await db.executeQuery(bound)).rows;
  };
}
