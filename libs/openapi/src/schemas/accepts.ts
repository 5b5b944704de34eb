import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { isJsonObject } from '@rollcall/contract';
import { plain } from '../writing/json.ts';

/**
 * Whether keywords that stand for rules let a value through. A format lets through every text but the empty one, and
 * keywords that rules do not come to are not looked at.
 */
export function accepts(schema: JsonObject, value: JsonValue): boolean {
  return Object.entries(schema).every(([keyword, limit]) => acceptsKeyword(keyword, limit, value));
}

function acceptsKeyword(keyword: string, limit: JsonValue, value: JsonValue): boolean {
  const schemas = Array.isArray(limit) ? limit.filter(isJsonObject) : [];
  switch (keyword) {
    case 'const':
      return value === limit;
    case 'enum':
      return Array.isArray(limit) && limit.includes(value);
    case 'not':
      return !isJsonObject(limit) || !accepts(limit, value);
    case 'anyOf':
      return schemas.some((schema) => accepts(schema, value));
    case 'allOf':
      return schemas.every((schema) => accepts(schema, value));
  }
  if (typeof value === 'string') return acceptsText(keyword, limit, value);
  if (typeof value === 'number') return acceptsNumber(keyword, Number(limit), value);
  if (Array.isArray(value)) return keyword !== 'minItems' || value.length >= Number(limit);
  return keyword !== 'minProperties' || !isJsonObject(value) || Object.keys(value).length >= Number(limit);
}

function acceptsText(keyword: string, limit: JsonValue, value: string): boolean {
  switch (keyword) {
    case 'minLength':
      return codePoints(value) >= Number(limit);
    case 'maxLength':
      return codePoints(value) <= Number(limit);
    case 'pattern':
      return new RegExp(plain(limit), 'u').test(value);
    case 'format':
      return value !== '';
    default:
      return true;
  }
}

function acceptsNumber(keyword: string, limit: number, value: number): boolean {
  switch (keyword) {
    case 'minimum':
      return value >= limit;
    case 'maximum':
      return value <= limit;
    case 'exclusiveMinimum':
      return value > limit;
    case 'exclusiveMaximum':
      return value < limit;
    default:
      return true;
  }
}

/** The length that both protovalidate and JSON Schema count. */
function codePoints(value: string): number {
  return Array.from(value).length;
}
