import { type Expression, type Kysely, type SelectQueryBuilder, type SqlBool, sql } from 'kysely';
import { everyone, type Filter } from '../query/filter.ts';
import { filterExpression } from '../query/filter-sql.ts';
import type { Order } from '../query/order.ts';
import { isSelective } from '../query/selective.ts';
import { alongTypes } from './along-types.ts';
import type { Engine } from './engine.ts';
import { literalZero } from './literals.ts';
import { prepared, type Slots } from './prepared.ts';
import { type Row, userColumns, type UserRow } from './rows.ts';
import type { UsersDatabase } from './tables.ts';

/** Which users, in which order. The list, its pages and its count are of the same query. */
export interface UsersQuery {
  readonly filter: Filter;
  readonly order: Order;
  /** Whether deleted users are among them. */
  readonly showDeleted: boolean;
}

/** The columns to order by whose values are text; those of the others are numbers. */
const textColumns = ['name_key', 'email_key'];

const byId: Order = [{ column: 'id', descending: false }];

/** The values of a user in the columns of an order. */
export type Key = readonly (bigint | string)[];

type Users = SelectQueryBuilder<UsersDatabase, 'users', object>;

/** Of what a filter has to look at, how many users one statement of the embedded store takes: it holds up all others. */
const defaultWindowSize = 2000;

/** Some live users by id. */
export interface PageBehind {
  readonly rows: readonly UserRow[];
  /** Whether nobody comes behind them. */
  readonly isLast: boolean;
}

/** The users of a query, a page at a time. */
export class UserPages {
  readonly #db: Kysely<UsersDatabase>;
  readonly #engine: Engine;

  readonly #windowSize: number;

  constructor(engine: Engine, windowSize = defaultWindowSize) {
    this.#engine = engine;
    this.#db = engine.db;
    this.#windowSize = windowSize;
  }

  /** The key of a user, behind which the next page begins. */
  static keyOf(row: Row, order: Order): Key {
    return order.map(({ column }) => row[column]);
  }

  /** The same key, from its values as texts. */
  static readKey(texts: readonly string[], order: Order): Key {
    return order.map(({ column }, index) =>
      textColumns.includes(column) ? (texts[index] ?? '') : BigInt(texts[index] ?? 0),
    );
  }

  /** Users behind a key, by default from the first one. There are fewer than the limit at the end alone. */
  async read(asked: UsersQuery, behindAsked: Key | undefined, limit: number): Promise<Row[]> {
    const [query, behind] = this.#engine.name === 'sqlite' ? [asked, behindAsked] : alongTypes(asked, behindAsked);
    const windowed = this.#needsWindows(query);
    const found: Row[] = [];
    for (let key = behind, last = false; !last;) {
      last = true;
      for (const segment of this.#segments(query.order, key)) {
        const users = this.#ordered(query, segment);
        const wanted = limit - found.length;
        if (!windowed) found.push(...(await this.#rows(query, users, wanted)));
        else {
          const end = await users
            .selectAll()
            .limit(1)
            .offset(this.#windowSize - 1)
            .executeTakeFirst();
          found.push(...(await this.#rows(query, users, wanted, this.#windowSize)));
          if (found.length < limit && end !== undefined) {
            key = UserPages.keyOf(end, query.order);
            last = false;
          }
        }
        if (found.length >= limit) return found;
        if (!last) break; // the window ended before the segment did
      }
    }
    return found;
  }

  /**
   * Live users behind an id, by id, as many as an export reads at a time: on SQLite that holds up all other calls, and
   * on PostgreSQL it takes a round trip. The page that is not full is the last one.
   */
  async readBehind(id: bigint, filter: Filter): Promise<PageBehind> {
    const limit = this.#engine.name === 'sqlite' ? 100 : 500;
    const rows =
      filter === everyone
        ? await readById(this.#db, { id, limit: BigInt(limit) })
        : await this.read({ filter, order: byId, showDeleted: false }, [id], limit);
    return { rows, isLast: rows.length < limit };
  }

  /** How many users a query has. Those that come and go meanwhile may be counted or not. */
  async count(query: UsersQuery): Promise<bigint> {
    const counted = this.#matching(query, this.#part(query)).select((is) => is.fn.countAll<bigint>().as('count'));
    if (this.#engine.name !== 'sqlite' || isSelective(query.filter, byId))
      return (await counted.executeTakeFirstOrThrow()).count;
    let sum = 0n;
    for (let from: bigint | undefined = 0n; from !== undefined;) {
      const start: bigint = from;
      const ids = this.#db.selectFrom('users').select('id').where('id', '>', start).orderBy('id');
      const end = await ids
        .limit(1)
        .offset(this.#windowSize * 5)
        .executeTakeFirst();
      const window = counted.where('id', '>', start);
      sum += (await (end === undefined ? window : window.where('id', '<=', end.id)).executeTakeFirstOrThrow()).count;
      from = end?.id;
      await new Promise<void>((resolve) => setImmediate(resolve)); // others have their turn
    }
    return sum;
  }

  /** Whether a statement may have to look at many users for each that it finds, on the thread that serves all. */
  #needsWindows({ filter, order, showDeleted }: UsersQuery): boolean {
    if (this.#engine.name !== 'sqlite' || filter === everyone || isSelective(filter, order)) return false;
    return !showDeleted || isById(order);
  }

  async #rows(query: UsersQuery, users: Users, limit: number, window?: number): Promise<Row[]> {
    if (window !== undefined) {
      const inside = this.#db.selectFrom(users.selectAll().limit(window).as('users')).selectAll();
      return await this.#inOrder(this.#matching(query, inside), query.order).limit(limit).execute();
    }
    if (!query.showDeleted || isById(query.order))
      return await this.#matching(query, users).selectAll().limit(limit).execute();
    // Live users and deleted ones have indexes of their own.
    const [live, deleted] = ['=', '>'].map((operator) => {
      const part = users.where(sql<SqlBool>`delete_time_ms ${sql.raw(operator)} 0`);
      return this.#db.selectFrom(this.#matching(query, part).selectAll().limit(limit).as('part')).selectAll();
    });
    if (live === undefined || deleted === undefined) throw new Error('there are two parts');
    const both = this.#db.selectFrom(live.unionAll(deleted).as('users')).selectAll();
    return await this.#inOrder(both, query.order).limit(limit).execute();
  }

  /** The live users, or all of them. */
  #part({ showDeleted }: UsersQuery): Users {
    const users = this.#db.selectFrom('users');
    return showDeleted ? users : users.where('delete_time_ms', '=', literalZero);
  }

  /**
   * What lies behind a key, cut into stretches of an index that follow one another. PostgreSQL compares rows, and finds
   * all that lies behind one in one stretch; that a column equals a value would let it guess that this is true of many
   * users, and look for them in another index.
   */
  #segments(order: Order, key: Key | undefined): Expression<SqlBool>[][] {
    const [first] = order;
    if (key === undefined || first === undefined || this.#engine.name === 'sqlite') return segments(order, key);
    if (order.length === 1 || order.some(({ descending }) => descending !== first.descending))
      return segments(order, key);
    const columns = sql.join(order.map(({ column }) => sql.ref(column)));
    return [[sql<SqlBool>`(${columns}) ${sql.raw(first.descending ? '<' : '>')} (${sql.join(key)})`]];
  }

  #ordered(query: UsersQuery, segment: readonly Expression<SqlBool>[]): Users {
    const users = segment.reduce((narrowed, condition) => narrowed.where(condition), this.#part(query));
    return this.#inOrder(users, query.order);
  }

  #matching<Output>(
    { filter }: UsersQuery,
    users: SelectQueryBuilder<UsersDatabase, 'users', Output>,
  ): SelectQueryBuilder<UsersDatabase, 'users', Output> {
    return filter === everyone ? users : users.where(filterExpression(filter));
  }

  #inOrder<Output>(
    users: SelectQueryBuilder<UsersDatabase, 'users', Output>,
    order: Order,
  ): SelectQueryBuilder<UsersDatabase, 'users', Output> {
    return order.reduce((sorted, { column, descending }) => sorted.orderBy(column, descending ? 'desc' : 'asc'), users);
  }
}

const readById = prepared((db, slot: Slots<{ id: bigint; limit: bigint }>) =>
  db
    .selectFrom('users')
    .select(userColumns)
    .where('delete_time_ms', '=', literalZero)
    .where('id', '>', slot('id'))
    .orderBy('id')
    .limit(slot('limit')),
);

/**
 * What lies behind a key, cut into parts that follow one another, each of them one stretch of an index: those with the
 * same first values, then those with a higher last value of these, and so on. One condition for all would be a scan.
 */
function segments(order: Order, key: Key | undefined): Expression<SqlBool>[][] {
  if (key === undefined) return [[]];
  const condition = (index: number, operator: string): Expression<SqlBool> =>
    sql<SqlBool>`${sql.ref(order[index]?.column ?? '')} ${sql.raw(operator)} ${key[index]}`;
  return order
    .map(({ descending }, index) => [
      ...order.slice(0, index).map((_, before) => condition(before, '=')),
      condition(index, descending ? '<' : '>'),
    ])
    .toReversed();
}

function isById(order: Order): boolean {
  return order[0]?.column === 'id';
}
