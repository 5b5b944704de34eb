import { isPlainInteger } from '@rollcall/contract';
import { user } from '@rollcall/proto';
import { email, type Field, name, type NumberField, type TextField } from '../fields.ts';
import type { Comparison, Literal } from './lexer.ts';
import { everyone, type Filter, nobody, type Operator } from './filter.ts';
import { type Place, queryError, type QueryFault } from '../query-error.ts';
import { type Instant, parseInstant } from '../rfc3339.ts';

/** Every type by its names and its number: `USER_TYPE_GUEST`, `GUEST`, `3`. */
const types = new Map(
  Object.entries(user.UserType).flatMap(([typeName, value]) =>
    typeof value === 'number' && value !== user.UserType.UNRECOGNIZED
      ? [typeName, typeName.replace('USER_TYPE_', ''), String(value)].map((written) => [written, value] as const)
      : [],
  ),
);

const typeNames = [...types.keys()].filter((written) => /^(?!USER_TYPE_)[A-Z]/.test(written)).join(', ');

/**
 * What a comparison of a field with a value asks.
 *
 * @param filter the whole text, for errors
 * @throws RpcError INVALID_FIELD when the field has no such comparator, or no such value
 */
export function comparison(filter: string, field: Field, by: Comparison, value: Literal): Filter {
  const refuse = (place: Place, why: string, fault: QueryFault) => queryError('filter', filter, place, why, fault);
  if (field.kind === 'type' && by.comparator !== '=' && by.comparator !== '!=') {
    throw refuse(by, 'does not go with type: use = or !=', 'operator');
  }
  if (by.comparator === ':' && isStar(value)) return present(field);
  if (field.kind === 'text') return textComparison(refuse, field, by, value);
  if (by.comparator === ':') throw refuse(by, `goes with * alone for ${field.name}`, 'operator');
  const operator = by.comparator;
  if (value.openStart || value.openEnd) throw refuse(value, 'has a wildcard: only name and email take one', 'value');
  if (field.kind === 'time') {
    const instant = parseInstant(value.text);
    if (instant === undefined) throw refuse(value, 'is no time such as 2026-01-31T12:00:00Z', 'value');
    return timeComparison(field, operator, instant);
  }
  if (field.kind === 'type') {
    const type = types.get(value.text);
    if (type === undefined) throw refuse(value, `is no type: the types are ${typeNames}`, 'value');
    return { kind: 'number', field, operator, value: BigInt(type) };
  }
  if (!isPlainInteger(value.raw)) throw refuse(value, `is no whole number, which ${field.name} is`, 'value');
  const number = BigInt(value.raw);
  const [least, greatest] = field.range ?? [number, number];
  if (number < least || number > greatest) {
    throw refuse(value, `is out of range: ${field.name} goes from ${least} to ${greatest}`, 'value');
  }
  return { kind: 'number', field, operator, value: number };
}

/** What a value without a field asks: the name or the email address has it in it. */
export function search(value: Literal): Filter {
  return { kind: 'or', filters: [has(name, value), has(email, value)] };
}

function isStar({ openStart, openEnd, text }: Literal): boolean {
  return openStart && openEnd && text === '';
}

function present(field: Field): Filter {
  return field.kind === 'text' || field.unknown !== undefined ? { kind: 'present', field } : everyone;
}

/** Stored times are whole milliseconds: none is equal to a time between two of them. */
function timeComparison(field: NumberField, operator: Operator, { ms: value, whole }: Instant): Filter {
  if (whole) return { kind: 'number', field, operator, value };
  if (operator === '=') return nobody;
  if (operator === '!=') return present(field);
  return { kind: 'number', field, operator: operator.startsWith('<') ? '<=' : '>', value };
}

function textComparison(
  refuse: (place: Place, why: string, fault: QueryFault) => Error,
  field: TextField,
  { comparator }: Comparison,
  value: Literal,
): Filter {
  switch (comparator) {
    case ':':
      return has(field, value);
    case '=':
      return equals(field, value);
    case '!=':
      return { kind: 'not', filter: equals(field, value) };
    case '<':
    case '>':
    case '<=':
    case '>=':
      if (!value.openStart && !value.openEnd) {
        return { kind: 'order', field, operator: comparator, key: field.key(value.text) };
      }
      throw refuse(value, `has a wildcard, which ${comparator} does not take: write \\* in quotes for a star`, 'value');
  }
}

function equals(field: TextField, { text, openStart, openEnd }: Literal): Filter {
  if (text === '' && openStart) return everyone;
  const part = openStart ? (openEnd ? 'any' : 'end') : openEnd ? 'start' : 'whole';
  const match = { kind: 'text', field, part, key: field.key(text) } as const;
  return field.caseSensitive ? { ...match, exact: text } : match;
}

/** Anywhere in the text, in any case of letters. A wildcard at one end binds the other end. */
function has(field: TextField, { text, openStart, openEnd }: Literal): Filter {
  if (text === '') return everyone;
  const part = openStart === openEnd ? 'any' : openEnd ? 'start' : 'end';
  return { kind: 'text', field, part, key: field.key(text) };
}
