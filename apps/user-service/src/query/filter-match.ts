import type { user } from '@rollcall/proto';
import { compareNumbers, type Filter, holds, type TextMatch } from './filter.ts';
import { compareText } from './text-keys.ts';

/** Whether a filter lets a user through: the same answer as that of `filterExpression` over the user's row. */
export function matches(filter: Filter, of: user.User): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.filters.every((part) => matches(part, of));
    case 'or':
      return filter.filters.some((part) => matches(part, of));
    case 'not':
      return !matches(filter.filter, of);
    case 'present':
      return (filter.field.read(of) ?? '') !== '';
    case 'number': {
      const value = filter.field.read(of);
      return value !== undefined && holds(filter.operator, compareNumbers(value, filter.value));
    }
    case 'order':
      return holds(filter.operator, compareText(filter.field.key(filter.field.read(of)), filter.key));
    case 'text':
      return matchesText(filter, filter.field.read(of));
  }
}

function matchesText({ field, part, key, exact }: TextMatch, text: string): boolean {
  switch (part) {
    case 'whole':
      return exact === undefined ? field.key(text) === key : text === exact;
    case 'start':
      return field.key(text).startsWith(key) && text.startsWith(exact ?? '');
    case 'end':
      return exact === undefined ? field.key(text).endsWith(key) : text.endsWith(exact);
    case 'any':
      return exact === undefined ? field.key(text).includes(key) : text.includes(exact);
  }
}
