import type { Filter } from '../../query/filter/filter.ts';
import type { Key } from './orders.ts';
import type { UsersQuery } from './query.ts';

/**
 * The users of one type by their ids, asked for as a stretch of the index of types and ids. PostgreSQL would guess from
 * how many users a type has on average that walking along the ids finds some soon; where all of them have large ids it
 * would look at the whole directory.
 *
 * @param behind the key behind which the page begins
 * @returns the same users in the same order, and the key in that order
 */
export function alongTypes(query: UsersQuery, behind: Key | undefined): [UsersQuery, Key | undefined] {
  const [first] = query.order;
  const type = first?.column === 'id' && !query.showDeleted ? typeOf(query.filter) : undefined;
  if (first === undefined || type === undefined) return [query, behind];
  const order = [{ column: 'type', descending: first.descending } as const, ...query.order];
  return [{ ...query, filter: inRange(query.filter), order }, behind && [type, ...behind]];
}

/** The type that all users of a filter have, when it says so. */
export function typeOf(filter: Filter): bigint | undefined {
  if (filter.kind === 'number' && filter.field.kind === 'type' && filter.operator === '=') return filter.value;
  if (filter.kind !== 'and') return undefined;
  return filter.filters.map(typeOf).find((type) => type !== undefined);
}

/** The filter with the types it asks for as ranges of one: a column that equals a value has no place in an order. */
function inRange(filter: Filter): Filter {
  if (filter.kind === 'and') return { ...filter, filters: filter.filters.map(inRange) };
  if (filter.kind !== 'number' || filter.field.kind !== 'type' || filter.operator !== '=') return filter;
  return {
    kind: 'and',
    filters: [
      { ...filter, operator: '>=' },
      { ...filter, operator: '<=' },
    ],
  };
}
