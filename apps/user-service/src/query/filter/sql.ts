import { type Expression, expressionBuilder, sql, type SqlBool } from 'kysely';
import type { NumberField } from '../fields.ts';
import { compareNumbers, type Filter, holds, type TextMatch } from './filter.ts';
import type { QueriedUsers } from '../queried-users.ts';
import { textBehindPrefix } from '../text-keys.ts';

const is = expressionBuilder<{ users: QueriedUsers }, 'users'>();

/**
 * A filter as a condition on the table `users`, the same for SQLite and PostgreSQL: without LIKE, whose wildcards and
 * case differ, and never null.
 */
export function filterExpression(filter: Filter): Expression<SqlBool> {
  switch (filter.kind) {
    case 'and':
      return is.and(filter.filters.map(filterExpression));
    case 'or':
      return is.or(filter.filters.map(filterExpression));
    case 'not':
      return is.not(is.parens(filterExpression(filter.filter)));
    case 'present':
      return filter.field.kind === 'text'
        ? is(`users.${filter.field.keyColumn}`, '!=', '')
        : isKnown(filter.field.column, filter.field.unknown);
    case 'number': {
      const { field, operator, value } = filter;
      const compared = is(`users.${field.column}`, operator, value);
      const takesUnknown = field.unknown !== undefined && holds(operator, compareNumbers(field.unknown, value));
      return takesUnknown ? is.and([compared, isKnown(field.column, field.unknown)]) : compared;
    }
    case 'order':
      return is(`users.${filter.field.keyColumn}`, filter.operator, filter.key);
    case 'text':
      return textExpression(filter);
  }
}

function isKnown(column: NumberField['column'], unknown: bigint | undefined): Expression<SqlBool> {
  return unknown === undefined ? is.and([]) : is(`users.${column}`, '!=', unknown);
}

function textExpression({ field, part, key, exact }: TextMatch): Expression<SqlBool> {
  const keyColumn = is.ref(`users.${field.keyColumn}`);
  const column = is.ref(`users.${field.column}`);
  switch (part) {
    // An index has the keys: they find few rows, of which the exact text picks some.
    case 'whole': {
      const sameKey = is(keyColumn, '=', key);
      return exact === undefined ? sameKey : is.and([sameKey, is(column, '=', exact)]);
    }
    case 'start': {
      const behind = textBehindPrefix(key);
      const conditions: Expression<SqlBool>[] = [is(keyColumn, '>=', key)];
      if (behind !== undefined) conditions.push(is(keyColumn, '<', behind));
      if (exact !== undefined) conditions.push(sql<SqlBool>`substr(${column}, 1, ${lengthOf(exact)}) = ${exact}`);
      return is.and(conditions);
    }
    case 'end':
      return exact === undefined ? endsWith(keyColumn, key) : endsWith(column, exact);
    case 'any':
      return exact === undefined ? contains(keyColumn, key) : contains(column, exact);
  }
}

/** A text that is shorter than its end gives itself or a part of it, in either database: never the end. */
function endsWith(text: Expression<string>, end: string): Expression<SqlBool> {
  return sql<SqlBool>`substr(${text}, length(${text}) + 1 - ${lengthOf(end)}) = ${end}`;
}

/** Both databases have `replace`, and each its own name for the position of a text in another. */
function contains(text: Expression<string>, part: string): Expression<SqlBool> {
  return sql<SqlBool>`replace(${text}, ${part}, '') <> ${text}`;
}

/** In characters, as databases count. */
function lengthOf(text: string): bigint {
  return BigInt(Array.from(text).length);
}
