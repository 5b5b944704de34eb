import {
  type Compilable,
  type CompiledQuery,
  DummyDriver,
  Kysely,
  type RawBuilder,
  sql,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { UsersDatabase } from './users-database.ts';

/** Names a value that comes with each run of the query. */
export interface Slots<Values> {
  <Name extends keyof Values>(name: Name): RawBuilder<Values[Name]>;
}

class Slot {
  readonly name: PropertyKey;

  constructor(name: PropertyKey) {
    this.name = name;
  }
}

/** Builds queries and runs none. */
const builder = new Kysely<UsersDatabase>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

/**
 * Builds a query once, to be run many times: for a query of one row, building and compiling it takes kysely several
 * times as long as SQLite takes to answer.
 *
 * @param build makes the query, with `slot('name')` where a value goes that each run gives
 */
export function prepared<Values extends object, Row>(
  build: (db: Kysely<UsersDatabase>, slot: Slots<Values>) => Compilable<Row>,
): (db: Kysely<UsersDatabase>, values: Values) => Promise<Row[]> {
  const query = build(builder, (name) => sql`${new Slot(name)}`).compile();
  const slots = query.parameters.map((parameter) => (parameter instanceof Slot ? parameter : undefined));
  return async (db, values) => {
    const given: Partial<Record<PropertyKey, unknown>> = values;
    const parameters = slots.map((slot, index) => (slot === undefined ? query.parameters[index] : given[slot.name]));
    const bound: CompiledQuery<Row> = { ...query, parameters };
    return (await db.executeQuery(bound)).rows;
  };
}
