import type { Filter } from './filter.ts';

/** How much it takes to compare a user with a filter: about the number of its comparisons, where those of a part of a text count more. */
export function costOf(filter: Filter): number {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.filters.reduce((sum, part) => sum + costOf(part), 0);
    case 'not':
      return costOf(filter.filter);
    case 'text':
      return filter.part === 'end' || filter.part === 'any' ? 2 : 1;
    case 'number':
    case 'order':
    case 'present':
      return 1;
  }
}
