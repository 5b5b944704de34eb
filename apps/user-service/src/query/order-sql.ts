import { type Expression, expressionBuilder, sql, type SqlBool } from 'kysely';
import type { Order } from './order.ts';
import type { QueriedUsers } from './queried-users.ts';

/** The place of a row in an order: its values of the order's columns. */
export type OrderKey = readonly QueriedUsers[keyof QueriedUsers][];

const is = expressionBuilder<{ users: QueriedUsers }, 'users'>();

/**
 * The condition that a row comes behind a place in an order, on the table `users`. In one direction it is a comparison
 * of row values, which SQLite and PostgreSQL both answer from an index of the columns; SQLite only as long as the id is
 * not the rowid, that is in a table without rowid.
 *
 * @throws Error when the key has not as many values as the order has columns
 * @see https://www.sqlite.org/rowvalue.html#scrolling_window_queries
 */
export function behind(order: Order, key: OrderKey): Expression<SqlBool> {
  const places = key.flatMap((value, index) => {
    const ordered = order[index];
    return ordered === undefined
      ? []
      : { ref: is.ref(`users.${ordered.column}`), descending: ordered.descending, value };
  });
  const [first] = places;
  if (first === undefined || places.length !== order.length || places.length !== key.length) {
    throw new Error(`a key of ${key.length} values is no place in an order of ${order.length} columns`);
  }
  if (places.every(({ descending }) => descending === first.descending)) {
    const columns = sql.join(places.map(({ ref }) => ref));
    const values = sql.join(places.map(({ value }) => value));
    return sql<SqlBool>`(${columns}) ${sql.raw(first.descending ? '<' : '>')} (${values})`;
  }
  // From the last column to the first: behind in this one, or level in it and behind in those that follow.
  let condition: Expression<SqlBool> | undefined;
  for (const { ref, descending, value } of places.toReversed()) {
    const behindHere: Expression<SqlBool> = is(ref, descending ? '<' : '>', value);
    // Said apart, the range of the first column can be read from an index.
    condition =
      condition === undefined
        ? behindHere
        : is.and([is(ref, descending ? '<=' : '>=', value), is.or([behindHere, condition])]);
  }
  return condition ?? is.or([]);
}
