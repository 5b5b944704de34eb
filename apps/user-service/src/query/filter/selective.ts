import type { Filter } from './filter.ts';

/**
 * Whether an index finds the users of a filter without looking at many others: by their
 * id, name or address. Many may have none of these, or the same type.
 */
export function isSelective(filter: Filter): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.filters.some((part) => isSelective(part));
    case 'number':
      return filter.operator === '=' && filter.field.name === 'id';
    case 'text':
      return filter.part === 'whole' && filter.key !== '';
    case 'or':
    case 'not':
    case 'order':
    case 'present':
      return false;
  }
}
