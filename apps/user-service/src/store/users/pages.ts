import { type CompiledQuery, type Kysely, type SelectQueryBuilder, type SqlBool, sql } from 'kysely';
import { everyone, type Filter } from '../../query/filter/filter.ts';
import { costOf } from '../../query/filter/cost.ts';
import { filterExpression } from '../../query/filter/sql.ts';
import type { Order } from '../../query/order.ts';
import { isSelective } from '../../query/filter/selective.ts';
import { alongTypes, typeOf } from './along-types.ts';
import type { Engine } from '../engine/engine.ts';
import { literalZero } from '../engine/literals.ts';
import { prepared, Slot, type Slots } from '../engine/prepared.ts';
import { type Row, userColumns, type UserRow } from './rows.ts';
import {
  compareValues,
  firstOf,
  hasIndex,
  inOrder,
  isById,
  type Key,
  restricted,
  rowSegments,
  segments,
  type Users,
} from './orders.ts';
import { ScanTurns, turnCost } from './scan-turns.ts';
import { SearchSlots } from './search-slots.ts';
import type { UsersDatabase } from '../engine/tables.ts';
import type { UsersQuery } from './query.ts';

/** The columns to order by whose values are text; those of the others are numbers. */
const textColumns = ['name_key', 'email_key'];

const byId: Order = [{ column: 'id', descending: false }];

/** Some live users by id. */
export interface PageBehind {
  readonly rows: readonly UserRow[];
  /** Whether nobody comes behind them. */
  readonly isLast: boolean;
}

/** What it costs to read a user, in comparisons. */
const rowCost = 8;

/** The columns that are the same for all live users. */
const columnsOfDeleted = ['delete_time_ms', 'purge_time_ms'];

/** The order in which deleted users are scanned. */
const byDeleteTime: Order = [{ column: 'delete_time_ms', descending: false }, ...byId];

/** Which users a scan goes over. */
type Part = 'all' | 'live' | 'deleted' | { readonly liveOfType: bigint };

/** The users of a query, a page at a time. */
export class UserPages {
  readonly #db: Kysely<UsersDatabase>;
  readonly #engine: Engine;
  readonly #turns: ScanTurns;
  readonly #turnCost: number;
  readonly #slots: SearchSlots | undefined;

  /** @param cost what a window of a scan of the embedded store may cost, in comparisons: it holds up all others */
  constructor(engine: Engine, turns = new ScanTurns(), cost = turnCost) {
    this.#engine = engine;
    this.#db = engine.db;
    this.#turns = turns;
    this.#turnCost = cost;
    this.#slots = engine.searchesAtOnce === undefined ? undefined : new SearchSlots(engine.searchesAtOnce);
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
  async read(query: UsersQuery, behind: Key | undefined, limit: number): Promise<Row[]> {
    if (this.#engine.name === 'postgres')
      return await this.#search(isPlain(query) ? undefined : query.filter, () =>
        this.#readStretches(...alongTypes(query, behind), limit),
      );
    const { filter, order, showDeleted } = query;
    if (isById(order) && showDeleted) return await this.#readAlong('all', query, behind, limit);
    const live = await this.#readLive(query, behind, limit);
    if (!showDeleted) return live;
    const deleted = await this.#readBest('deleted', byDeleteTime, { filter, order, showDeleted }, behind, limit);
    return firstOf([...live, ...deleted], order, limit);
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
    const part = query.showDeleted ? 'all' : 'live';
    const counted = matching(query, this.#users(part)).select((is) => is.fn.countAll<bigint>().as('count'));
    if (this.#engine.name === 'postgres' || isSelective(query.filter))
      return (await this.#search(query.filter, () => counted.executeTakeFirstOrThrow())).count;
    const { cost, size } = this.#window(query.filter, 1);
    const behind = counted.where('id', '>', given('start')).compile();
    const window = counted.where('id', '>', given('start')).where('id', '<=', given('end')).compile();
    let sum = 0n;
    for (let from: bigint | undefined = 0n; from !== undefined;) {
      await this.#turns.next({ cost });
      const start: bigint = from;
      const ids = this.#db.selectFrom('users').select('id').where('id', '>', start).orderBy('id');
      const end = await ids
        .limit(1)
        .offset(size - 1)
        .executeTakeFirst();
      const [row] = await this.#run(end === undefined ? behind : window, { start, end: end?.id });
      sum += row?.count ?? 0n;
      from = end?.id;
    }
    return sum;
  }

  /** Searches when there is a connection for it; what an index finds goes on at once. */
  async #search<T>(filter: Filter | undefined, search: () => Promise<T>): Promise<T> {
    if (this.#slots === undefined || filter === undefined || isSelective(filter)) return await search();
    return await this.#slots.run(search);
  }

  /** What one turn may look at: how many users, and what that costs. */
  #window(filter: Filter, ofRow: number): { readonly cost: number; readonly size: number } {
    const each = ofRow + costOf(filter);
    const size = Math.max(1, Math.floor(this.#turnCost / each));
    return { cost: size * each, size };
  }

  async #readLive(query: UsersQuery, behindAsked: Key | undefined, limit: number): Promise<Row[]> {
    let [order, behind] = [query.order, behindAsked];
    // All live users have the same place by these: it is known on which side of the key they are.
    for (let [first] = order; first !== undefined && columnsOfDeleted.includes(first.column); [first] = order) {
      const compared = compareValues(0n, behind?.[0] ?? 0n);
      if (compared !== 0 && compared < 0 !== first.descending) return [];
      behind = compared === 0 ? behind?.slice(1) : undefined;
      order = order.slice(1);
    }
    const asked = { ...query, order, showDeleted: false };
    if (!hasIndex(order)) return await this.#readBest('live', byId, asked, behind, limit);
    const type = isById(order) ? typeOf(query.filter) : undefined;
    return await this.#readAlong(type === undefined ? 'live' : { liveOfType: type }, asked, behind, limit);
  }

  /** Users of a part that has an index of the order. */
  async #readAlong(part: Part, query: UsersQuery, behind: Key | undefined, limit: number): Promise<Row[]> {
    const { cost, size } = this.#window(query.filter, rowCost);
    const takesAll = query.filter === everyone || (typeof part === 'object' && query.filter.kind === 'number');
    if (isSelective(query.filter) || (takesAll && limit <= size))
      return await this.#readStretches(query, behind, limit);
    const found: Row[] = [];
    const chosen = this.#chosen(query).compile();
    for await (const ids of this.#windows(part, query.order, behind, cost, size)) {
      found.push(...(await this.#run(chosen, { ids, limit: limit - found.length })));
      if (found.length >= limit) break;
    }
    return found;
  }

  /** Users of a part that has no index of the order: all of it is looked at, and what comes first is kept. */
  async #readBest(part: Part, along: Order, query: UsersQuery, behind: Key | undefined, limit: number): Promise<Row[]> {
    const { cost, size } = this.#window(query.filter, rowCost);
    const isBehind = segments(query.order, behind).map((conditions) => sql`(${sql.join(conditions, sql` and `)})`);
    const all = this.#chosen(query);
    const chosen = (behind === undefined ? all : all.where(sql<SqlBool>`(${sql.join(isBehind, sql` or `)})`)).compile();
    let found: Row[] = [];
    for await (const ids of this.#windows(part, along, undefined, cost, size)) {
      const rows = await this.#run(chosen, { ids, limit });
      if (rows.length > 0) found = firstOf([...found, ...rows], query.order, limit);
    }
    return found;
  }

  /** Some of the users with the ids in a slot. It is built and compiled once for all windows, which takes longer than one of them. */
  #chosen(query: UsersQuery) {
    const users = this.#db
      .selectFrom('users')
      .where(sql<SqlBool>`id in (select value from json_each(${given('ids')}))`);
    return inOrder(matching(query, users), query.order).selectAll().limit(given('limit'));
  }

  async #run<Output>(query: CompiledQuery<Output>, values: Readonly<Record<string, unknown>>): Promise<Output[]> {
    const parameters = query.parameters.map((each) => (each instanceof Slot ? values[each.name] : each));
    return (await this.#db.executeQuery<Output>({ ...query, parameters })).rows;
  }

  /** The ids of the users of a part behind a key, as JSON, a window at a time, each in its turn. */
  async *#windows(part: Part, order: Order, behind: Key | undefined, cost: number, size: number) {
    const columns = [...new Set([...order.map(({ column }) => column), 'id' as const])];
    for (let key = behind, last = false; !last;) {
      last = true;
      for (const segment of segments(order, key)) {
        await this.#turns.next({ cost });
        const users = inOrder(restricted(this.#users(part), segment), order);
        const rows = await users.select(columns).limit(size).execute();
        if (rows.length > 0) yield `[${rows.map(({ id }) => id).join(',')}]`;
        const end = rows.length === size ? rows.at(-1) : undefined;
        if (end === undefined) continue;
        key = order.map(({ column }) => end[column]);
        last = false;
        break; // the window ended before the segment did
      }
    }
  }

  /** Users whom an index finds. */
  async #readStretches(query: UsersQuery, behind: Key | undefined, limit: number): Promise<Row[]> {
    const part = query.showDeleted ? 'all' : 'live';
    const found: Row[] = [];
    for (const segment of this.#engine.name === 'sqlite'
      ? segments(query.order, behind)
      : rowSegments(query.order, behind)) {
      const users = inOrder(restricted(this.#users(part), segment), query.order);
      found.push(...(await this.#rows(query, users, limit - found.length)));
      if (found.length >= limit) break;
    }
    return found;
  }

  async #rows(query: UsersQuery, users: Users, limit: number): Promise<Row[]> {
    if (!query.showDeleted || isById(query.order))
      return await matching(query, users).selectAll().limit(limit).execute();
    // Live users and deleted ones have indexes of their own.
    const [live, deleted] = ['=', '>'].map((operator) => {
      const part = users.where(sql<SqlBool>`delete_time_ms ${sql.raw(operator)} 0`);
      return this.#db.selectFrom(matching(query, part).selectAll().limit(limit).as('part')).selectAll();
    });
    if (live === undefined || deleted === undefined) throw new Error('there are two parts');
    const both = this.#db.selectFrom(live.unionAll(deleted).as('users')).selectAll();
    return await inOrder(both, query.order).limit(limit).execute();
  }

  #users(part: Part): Users {
    const users = this.#db.selectFrom('users');
    if (part === 'all') return users;
    if (part === 'deleted') return users.where('delete_time_ms', '>', literalZero);
    const live = users.where('delete_time_ms', '=', literalZero);
    return part === 'live' ? live : live.where('type', '=', part.liveOfType);
  }
}

/** Whether a page of it is the next part of an index. */
function isPlain({ filter, order }: UsersQuery): boolean {
  return filter === everyone && hasIndex(order);
}

/** The place of a value that comes with each run. */
function given(name: string) {
  return sql<bigint>`${new Slot(name)}`;
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

function matching<Output>(
  { filter }: UsersQuery,
  users: SelectQueryBuilder<UsersDatabase, 'users', Output>,
): SelectQueryBuilder<UsersDatabase, 'users', Output> {
  return filter === everyone ? users : users.where(filterExpression(filter));
}
