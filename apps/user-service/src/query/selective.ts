import type { Filter } from './filter.ts';
import type { Order } from './order.ts';

/**
 * Whether an index finds the users of a filter, in the order that is asked for, without looking at many others: by their
 * id, name or address, or by their type in the order of the ids.
 */
export function isSelective(filter: Filter, order: Order): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.filters.some((part) => isSelective(part, order));
    case 'number':
      return (
        filter.operator === '=' &&
        (filter.field.name === 'id' || (filter.field.name === 'type' && order[0]?.column === 'id'))
      );
    case 'text':
      return filter.part === 'whole';
    case 'or':
    case 'not':
    case 'order':
    case 'present':
      return false;
  }
}
