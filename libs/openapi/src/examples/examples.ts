import {
  type DescField,
  type DescMessage,
  fromJson,
  getOption,
  hasOption,
  type JsonObject,
  type JsonValue,
  ScalarType,
} from '@bufbuild/protobuf';
import { message as messageRules } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import {
  FieldBehavior,
  fieldBehavior,
  validate,
  type Violation,
  type FieldPath,
  isJsonObject,
} from '@rollcall/contract';
import { bytesFor, enumFor, numberFor, type Side, textFor } from './example-values.ts';
import { plain } from '../writing/json.ts';
import { rulesOf, withRules } from '../schemas/rules.ts';
import { scalarSchema } from '../schemas/scalars.ts';
import type { Schemas } from '../schemas/schemas.ts';

/** Message types of google.protobuf, as an example writes them. */
const wellKnown: Readonly<Record<string, JsonValue>> = {
  Timestamp: '2026-01-02T03:04:05Z',
  Duration: '3s',
  FieldMask: 'name',
  Any: { '@type': 'type.googleapis.com/google.protobuf.Duration', value: '3s' },
  Struct: { key: 'value' },
  ListValue: ['value'],
  Value: 'value',
  Empty: {},
};

/** Fields of a response that are empty as long as all is well. */
const emptyInResponses = /^(delete|purge|expire)_time$|^missing_|^unreachable$/;
/** Fields of a request that are no part of a first try. */
const absentFromRequests = /^(etag|request_id|page_token|resume_token|after_id|update_mask|validate_only)$/;

/** Makes examples from names and rules: always the same ones, and only such as the contract takes. */
export class Examples {
  readonly #schemas: Schemas;

  constructor(schemas: Schemas) {
    this.#schemas = schemas;
  }

  /**
   * An example of a message.
   *
   * @param without fields that stand elsewhere, such as in the path
   * @returns undefined when none is found that the contract takes
   */
  message(desc: DescMessage, side: Side, without: readonly FieldPath[] = []): JsonValue | undefined {
    const example = this.#message(desc, side, []);
    if (this.#violations(desc, example)?.length !== 0) return undefined;
    for (const path of without) if (isJsonObject(example)) remove(example, path);
    return example;
  }

  /** An example of a field's value. @returns undefined when none is found that the contract takes */
  value(field: DescField, side: Side): JsonValue | undefined {
    const example = this.#value(field, side, []);
    if (example === undefined) return undefined;
    const isOfField = ({ field: path }: Violation): boolean => path.split(/[.[]/, 1)[0] === field.name;
    return this.#violations(field.parent, { [field.jsonName]: example })?.some(isOfField) === false
      ? example
      : undefined;
  }

  /** The rules that a message breaks; undefined when it is no such message. */
  #violations(desc: DescMessage, json: JsonValue): Violation[] | undefined {
    try {
      return validate(desc, fromJson(desc, json, { registry: this.#schemas.registry }));
    } catch {
      return undefined; // a field without an example that fits: better no example than a wrong one
    }
  }

  #message(desc: DescMessage, side: Side, above: readonly DescMessage[]): JsonValue {
    const short = desc.typeName.replace(/^google\.protobuf\./, '');
    const known = short === desc.typeName ? undefined : wellKnown[short];
    if (known !== undefined) return structuredClone(known);
    const example: JsonObject = {};
    const required = this.#schemas.required(desc);
    const alternatives = hasOption(desc, messageRules)
      ? getOption(desc, messageRules).oneof.flatMap(({ fields }) => fields.slice(1))
      : [];
    for (const field of desc.fields) {
      if (!isShown(field, side, required.includes(field)) || alternatives.includes(field.name)) continue;
      const value = this.#value(field, side, [...above, desc]);
      if (value !== undefined) example[field.jsonName] = value;
    }
    return short === desc.typeName ? example : (example['value'] ?? example); // a wrapper is written as its value
  }

  #value(field: DescField, side: Side, above: readonly DescMessage[]): JsonValue | undefined {
    const rules = rulesOf(field, this.#schemas.registry);
    if (field.fieldKind === 'list') {
      if (side === 'response' && emptyInResponses.test(field.name)) return [];
      const item = this.#one(field, inner(rules, 'repeated', 'items'), side, above);
      return item === undefined ? [] : [item];
    }
    if (field.fieldKind === 'map') {
      const value = this.#one(field, inner(rules, 'map', 'values'), side, above);
      const key = scalarFor('key', field.mapKey, inner(rules, 'map', 'keys'), side);
      return value === undefined || key === undefined ? {} : { [plain(key)]: value };
    }
    return this.#one(field, rules, side, above);
  }

  #one(
    field: DescField,
    rules: JsonObject | undefined,
    side: Side,
    above: readonly DescMessage[],
  ): JsonValue | undefined {
    if (field.enum?.typeName === 'google.protobuf.NullValue') return null;
    if (field.enum !== undefined) return enumFor(field.enum, withRules({}, rules, field.enum).schema);
    if (field.message === undefined) return scalarFor(singular(field), field.scalar, rules, side);
    return above.includes(field.message) ? undefined : this.#message(field.message, side, above);
  }
}

function isShown(field: DescField, side: Side, required: boolean): boolean {
  const behaviors = getOption(field, fieldBehavior);
  if (field.oneof !== undefined && field.oneof.fields[0] !== field) return false;
  if (side === 'response') {
    return (
      !behaviors.includes(FieldBehavior.INPUT_ONLY) &&
      (field.fieldKind === 'list' || !emptyInResponses.test(field.name))
    );
  }
  if (required) return true;
  const fixed = [FieldBehavior.OUTPUT_ONLY, FieldBehavior.IMMUTABLE, FieldBehavior.IDENTIFIER].some((behavior) =>
    behaviors.includes(behavior),
  );
  return !fixed && !absentFromRequests.test(field.name);
}

function scalarFor(name: string, scalar: ScalarType, rules: JsonObject | undefined, side: Side): JsonValue | undefined {
  switch (scalar) {
    case ScalarType.STRING:
      return textFor(name, withRules(scalarSchema(scalar), rules).schema, side);
    case ScalarType.BYTES:
      return bytesFor(rules);
    case ScalarType.BOOL: {
      const own = rules?.['bool'];
      return isJsonObject(own) && own['const'] !== undefined ? own['const'] : name === 'found';
    }
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return numberFor(ScalarType[scalar].toLowerCase(), rules, name === 'age' ? 36 : name === 'page_size' ? 50 : 1);
  }
}

/** The name of an element, as far as a plural in s gives it away. */
function singular(field: DescField): string {
  return field.fieldKind === 'list' ? field.name.replace(/s$/, '') : field.name;
}

function inner(rules: JsonObject | undefined, kind: string, part: string): JsonObject | undefined {
  const own = rules?.[kind];
  const found = isJsonObject(own) ? own[part] : undefined;
  return isJsonObject(found) ? found : undefined;
}

function remove(json: JsonObject, [first, ...rest]: FieldPath): void {
  if (first === undefined) return;
  const next = json[first.jsonName];
  if (rest.length === 0) delete json[first.jsonName];
  else if (isJsonObject(next)) remove(next, rest);
}
