import { type Field, fieldNames, findField } from './fields.ts';
import type { QueriedUsers } from './queried-users.ts';
import { queryError } from './query-error.ts';

/** One column of an order. */
export interface OrderedColumn {
  readonly column: keyof QueriedUsers;
  readonly descending: boolean;
}

/** The columns to order by. The last is the id, so that no two rows have the same place. */
export type Order = readonly OrderedColumn[];

/**
 * Reads an order in the language of AIP-132: `name, create_time desc`. An empty one is by id. Names and addresses are
 * ordered by their keys, and what is not known comes before all that is. The id breaks ties in the direction of the last
 * field; what stands behind the id orders nothing and is dropped.
 *
 * @throws RpcError INVALID_FIELD with the word that is wrong and its position
 * @see https://google.aip.dev/132#ordering
 */
export function parseOrder(orderBy: string): Order {
  if (orderBy.trim() === '') return [{ column: 'id', descending: false }];
  const named = new Set<Field>();
  const order: OrderedColumn[] = [];
  let start = 0;
  for (const part of orderBy.split(',')) {
    const { field, descending } = readPart(orderBy, part, start, named);
    named.add(field);
    order.push({ column: columnOf(field), descending });
    start += part.length + 1;
  }
  const id = order.findIndex(({ column }) => column === 'id');
  if (id !== -1) return order.slice(0, id + 1);
  return [...order, { column: 'id', descending: order.at(-1)?.descending === true }];
}

function readPart(
  orderBy: string,
  part: string,
  start: number,
  named: ReadonlySet<Field>,
): { field: Field; descending: boolean } {
  const words = [...part.matchAll(/\S+/g)].map((match) => ({ start: start + match.index, raw: match[0] }));
  const [name = { start: start + part.length, raw: orderBy.charAt(start + part.length) }, direction, more] = words;
  if (words.length === 0) throw queryError('order_by', orderBy, name, 'comes where a field is expected', 'syntax');
  const field = findField(name.raw);
  if (field === undefined) {
    throw queryError('order_by', orderBy, name, `is no field: the fields are ${fieldNames}`, 'field');
  }
  if (named.has(field)) throw queryError('order_by', orderBy, name, 'names a field for the second time', 'field');
  if (direction !== undefined && direction.raw !== 'asc' && direction.raw !== 'desc') {
    throw queryError('order_by', orderBy, direction, 'comes where asc, desc or a comma is expected', 'syntax');
  }
  if (more !== undefined) throw queryError('order_by', orderBy, more, 'comes where a comma is expected', 'syntax');
  return { field, descending: direction?.raw === 'desc' };
}

function columnOf(field: Field): keyof QueriedUsers {
  return field.kind === 'text' ? field.keyColumn : field.column;
}
