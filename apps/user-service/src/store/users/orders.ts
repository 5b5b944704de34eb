import { type Expression, type SelectQueryBuilder, sql, type SqlBool } from 'kysely';
import { compareNumbers } from '../../query/filter/filter.ts';
import type { Order } from '../../query/order.ts';
import { compareText } from '../../query/text-keys.ts';
import type { Row } from './rows.ts';
import type { UsersDatabase } from '../engine/tables.ts';

/** The values of a user in the columns of an order. */
export type Key = readonly (bigint | string)[];

export type Users = SelectQueryBuilder<UsersDatabase, 'users', object>;

/** The columns with an index of live users in which few have the same value. */
const spreadColumns = ['name_key', 'email_key', 'create_time_ms', 'update_time_ms'];

/**
 * What lies behind a key, cut into stretches of an index that follow one another. PostgreSQL compares rows, and finds
 * all that lies behind one in one stretch; that a column equals a value would let it guess that this is true of many
 * users, and look for them in another index.
 */
export function rowSegments(order: Order, key: Key | undefined): Expression<SqlBool>[][] {
  const [first] = order;
  if (key === undefined || first === undefined) return segments(order, key);
  if (order.length === 1 || order.some(({ descending }) => descending !== first.descending))
    return segments(order, key);
  const columns = sql.join(order.map(({ column }) => sql.ref(column)));
  return [[sql<SqlBool>`(${columns}) ${sql.raw(first.descending ? '<' : '>')} (${sql.join(key)})`]];
}

/**
 * What lies behind a key, cut into parts that follow one another, each of them one stretch of an index: those with the
 * same first values, then those with a higher last value of these, and so on. One condition for all would be a scan.
 */
export function segments(order: Order, key: Key | undefined): Expression<SqlBool>[][] {
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

export function isById(order: Order): boolean {
  return order[0]?.column === 'id';
}

/** Whether an index of the live users gives this order without sorting many. */
export function hasIndex(order: Order): boolean {
  const [first, second] = order;
  if (first === undefined || isById(order) || spreadColumns.includes(first.column)) return true;
  return second?.column === 'id' && second.descending === first.descending;
}

/** Those that come first. */
export function firstOf(rows: readonly Row[], order: Order, limit: number): Row[] {
  return rows.toSorted((a, b) => compareRows(order, a, b)).slice(0, limit);
}

/** How two rows compare in an order, as the databases do. */
function compareRows(order: Order, a: Row, b: Row): number {
  for (const { column, descending } of order) {
    const compared = compareValues(a[column], b[column]);
    if (compared !== 0) return descending ? -compared : compared;
  }
  return 0;
}

export function compareValues(a: bigint | string, b: bigint | string): number {
  return typeof a === 'string' ? compareText(a, String(b)) : compareNumbers(a, BigInt(b));
}

export function inOrder<Output>(
  users: SelectQueryBuilder<UsersDatabase, 'users', Output>,
  order: Order,
): SelectQueryBuilder<UsersDatabase, 'users', Output> {
  return order.reduce((sorted, { column, descending }) => sorted.orderBy(column, descending ? 'desc' : 'asc'), users);
}

export function restricted(users: Users, conditions: readonly Expression<SqlBool>[]): Users {
  return conditions.reduce((narrowed, condition) => narrowed.where(condition), users);
}
