import type { user } from '@rollcall/proto';
import type { TextField } from '../fields.ts';
import { compareNumbers, type Filter, holds, type TextMatch } from './filter.ts';
import { compareText } from '../text-keys.ts';

/** Whether a filter lets a user through: the same answer as that of `filterExpression` over the user's row. */
export function matches(filter: Filter, of: user.User): boolean {
  return isLetThrough(filter, of, new Map());
}

/** @param keys those of the user's texts, made once for all comparisons */
function isLetThrough(filter: Filter, of: user.User, keys: Map<TextField, string>): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.filters.every((part) => isLetThrough(part, of, keys));
    case 'or':
      return filter.filters.some((part) => isLetThrough(part, of, keys));
    case 'not':
      return !isLetThrough(filter.filter, of, keys);
    case 'present':
      return (filter.field.read(of) ?? '') !== '';
    case 'number': {
      const value = filter.field.read(of);
      return value !== undefined && holds(filter.operator, compareNumbers(value, filter.value));
    }
    case 'order':
      return holds(filter.operator, compareText(keyOf(filter.field, of, keys), filter.key));
    case 'text':
      return matchesText(filter, filter.field.read(of), () => keyOf(filter.field, of, keys));
  }
}

function keyOf(field: TextField, of: user.User, keys: Map<TextField, string>): string {
  let key = keys.get(field);
  if (key === undefined) keys.set(field, (key = field.key(field.read(of))));
  return key;
}

function matchesText({ part, key, exact }: TextMatch, text: string, keyOfText: () => string): boolean {
  switch (part) {
    case 'whole':
      return exact === undefined ? keyOfText() === key : text === exact;
    case 'start':
      return keyOfText().startsWith(key) && text.startsWith(exact ?? '');
    case 'end':
      return exact === undefined ? keyOfText().endsWith(key) : text.endsWith(exact);
    case 'any':
      return exact === undefined ? keyOfText().includes(key) : text.includes(exact);
  }
}
