import {
  type DescEnum,
  type DescField,
  getOption,
  hasOption,
  type JsonObject,
  type JsonValue,
  type Registry,
  toJson,
} from '@bufbuild/protobuf';
import { field as fieldRules, FieldRulesSchema } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { isJsonObject } from '@rollcall/contract';
import { accepts } from './accepts.ts';
import { celNotes, type Keywords, unknownNote } from './keywords.ts';
import { numberKeywords, timeKeywords } from './number-rules.ts';
import { bytesKeywords, textKeywords } from './text-rules.ts';

/** A schema with rules in it, and what is left to say in its description. */
export interface Ruled {
  readonly schema: JsonObject;
  readonly notes: readonly string[];
}

/** The `buf.validate` rules of a field in JSON; undefined when there are none, or they are not to be checked. */
export function rulesOf(field: DescField, registry: Registry): JsonObject | undefined {
  if (!hasOption(field, fieldRules)) return undefined;
  const rules = toJson(FieldRulesSchema, getOption(field, fieldRules), { registry });
  return isJsonObject(rules) && rules['ignore'] !== 'IGNORE_ALWAYS' ? rules : undefined;
}

/**
 * Puts rules into the schema of a value. Nothing is lost: what has no keyword becomes a sentence.
 *
 * @param base the schema of the value without rules
 * @param rules of buf.validate.FieldRules, in JSON
 * @param enumDesc the enum, where the value is of one
 * @see https://protovalidate.com/reference/rules/
 */
export function withRules(base: JsonObject, rules: JsonObject | undefined, enumDesc?: DescEnum): Ruled {
  if (rules === undefined || rules['ignore'] === 'IGNORE_ALWAYS') return { schema: base, notes: [] };
  const { all, notes } = keywordsOf(rules, enumDesc);
  const zero = zeroOf(rules, enumDesc);
  const refusing =
    rules['ignore'] === 'IGNORE_IF_ZERO_VALUE' && zero !== undefined ? all.filter((part) => !accepts(part, zero)) : [];
  const holding = all.filter((part) => !refusing.includes(part));
  const parts =
    refusing.length === 0 || zero === undefined
      ? holding
      : [...holding, { anyOf: [{ const: zero }, merge({}, refusing)] }];
  return { schema: merge(onlyFinite(base, rules), parts), notes };
}

function keywordsOf(rules: JsonObject, enumDesc: DescEnum | undefined): Keywords {
  const found = Object.entries(rules).map(([kind, value]): Keywords => {
    if (kind === 'required' || kind === 'ignore') return { all: value === true ? notEmpty(rules) : [], notes: [] };
    if (kind === 'cel' || kind === 'celExpression') return { all: [], notes: celNotes(value) };
    if (!isJsonObject(value)) return { all: [], notes: [unknownNote(kind, value)] };
    switch (kind) {
      case 'string':
        return textKeywords(value);
      case 'bytes':
        return bytesKeywords(value);
      case 'enum':
        return enumKeywords(value, enumDesc);
      case 'repeated':
      case 'map':
      case 'any':
        return eachKeyword(kind, value, enumDesc);
      case 'duration':
      case 'timestamp':
      case 'fieldMask':
        return timeKeywords(kind, value);
      default:
        return numberKeywords(kind, value); // also of bool, which has const alone
    }
  });
  return { all: found.flatMap(({ all }) => all), notes: found.flatMap(({ notes }) => notes) };
}

function eachKeyword(kind: string, rules: JsonObject, enumDesc: DescEnum | undefined): Keywords {
  const notes: string[] = [];
  const inner = (keyword: string, of: string, value: JsonValue): JsonObject => {
    const ruled = withRules({}, isJsonObject(value) ? value : undefined, enumDesc);
    notes.push(...ruled.notes.map((note) => `${of}: ${note[0]?.toLowerCase()}${note.slice(1)}`));
    return { [keyword]: ruled.schema };
  };
  const all = Object.entries(rules).map(([rule, value]): JsonObject => {
    switch (`${kind}.${rule}`) {
      case 'repeated.minItems':
      case 'repeated.maxItems':
        return { [rule]: Number(value) };
      case 'repeated.unique':
        return value === true ? { uniqueItems: true } : {};
      case 'repeated.items':
        return inner('items', 'Each', value);
      case 'map.minPairs':
        return { minProperties: Number(value) };
      case 'map.maxPairs':
        return { maxProperties: Number(value) };
      case 'map.keys':
        return inner('propertyNames', 'Each key', value);
      case 'map.values':
        return inner('additionalProperties', 'Each value', value);
      case 'any.in':
        return { properties: { '@type': { enum: value } } };
      case 'any.notIn':
        return { properties: { '@type': { not: { enum: value } } } };
      default:
        notes.push(unknownNote(`${kind}.${rule}`, value));
        return {};
    }
  });
  return { all, notes };
}

function enumKeywords(rules: JsonObject, desc: DescEnum | undefined): Keywords {
  const notes: string[] = [];
  const name = (value: JsonValue): JsonValue => desc?.values.find(({ number }) => number === value)?.name ?? value;
  const names = (value: JsonValue): JsonValue[] => (Array.isArray(value) ? value.map(name) : []);
  const all = Object.entries(rules).map(([rule, value]): JsonObject => {
    if (rule === 'const') return { const: name(value) };
    if (rule === 'in') return { enum: names(value) };
    if (rule === 'notIn')
      return desc === undefined
        ? { not: { enum: names(value) } }
        : { enum: desc.values.map((known) => known.name).filter((known) => !names(value).includes(known)) };
    if (rule === 'example') return { examples: names(value) };
    if (rule !== 'definedOnly') notes.push(unknownNote(`enum.${rule}`, value)); // the schema lists the defined ones anyway
    return {};
  });
  return { all, notes };
}

/** What `required` asks of a value that has no presence of its own: that it is not the zero value. */
function notEmpty(rules: JsonObject): JsonObject[] {
  if (rules['string'] !== undefined || rules['bytes'] !== undefined) return [{ minLength: 1 }];
  if (rules['repeated'] !== undefined) return [{ minItems: 1 }];
  return rules['map'] !== undefined ? [{ minProperties: 1 }] : [];
}

function zeroOf(rules: JsonObject, enumDesc: DescEnum | undefined): JsonValue | undefined {
  const kind = Object.keys(rules).find((key) => isJsonObject(rules[key])) ?? '';
  if (kind === 'string' || kind === 'bytes') return '';
  if (kind === 'bool') return false;
  if (kind === 'enum') return enumDesc?.values[0]?.name;
  if (kind === 'repeated') return [];
  if (kind === 'map') return {};
  if (kind.endsWith('64')) return '0';
  return /32$|^float$|^double$/.test(kind) ? 0 : undefined;
}

/** A double that is bounded on both sides, or finite, is always written as a number. */
function onlyFinite(base: JsonObject, rules: JsonObject): JsonObject {
  const bounds = rules['float'] ?? rules['double'];
  const number = Array.isArray(base['anyOf']) ? base['anyOf'][0] : undefined;
  if (!isJsonObject(bounds) || !isJsonObject(number)) return base;
  const bounded = (bounds['lt'] ?? bounds['lte']) !== undefined && (bounds['gt'] ?? bounds['gte']) !== undefined;
  return bounds['finite'] === true || bounded ? number : base;
}

/** All the parts in one schema: later parts narrow the base; parts that use the same keyword stand in `allOf`. */
function merge(base: JsonObject, parts: readonly JsonObject[]): JsonObject {
  const merged: JsonObject = { ...base };
  const own = new Set<string>();
  const rest: JsonObject[] = [];
  for (const part of parts) {
    if (Object.keys(part).some((key) => own.has(key) || (key === 'anyOf' && key in base))) {
      rest.push(part);
      continue;
    }
    for (const [key, value] of Object.entries(part)) {
      own.add(key);
      const before = merged[key];
      merged[key] = isJsonObject(before) && isJsonObject(value) ? { ...before, ...value } : value;
    }
  }
  return rest.length === 0 ? merged : { ...merged, allOf: rest };
}
