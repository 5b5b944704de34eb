import { create, type DescField, type DescMessage, type Message, type Registry, ScalarType } from '@bufbuild/protobuf';
import { isWrapperDesc } from '@bufbuild/protobuf/wkt';
import { fieldNamed, isJsonMembers, type Json, type JsonMembers, withoutExactNumbers } from './json.ts';
import { describeField, readEnum, readScalar } from './read-scalar.ts';
import { type MessageReader, wellKnownReader } from './read-well-known.ts';

/** A field of JSON that cannot be read. */
export interface UnreadableField {
  /** Its path, in the names of the JSON. */
  readonly field: string;
  /** Why, as a sentence fit for the caller. */
  readonly description: string;
  /** Why, for programs. */
  readonly reason: string;
}

/** The most fields that are told of; behind them nothing more is read. */
const maxUnreadable = 16;

/** The longest path that is told in full, in characters. */
const maxShownPath = 200;

/** JSON that is no such message. */
export class ProtoJsonError extends Error {
  readonly fields: readonly UnreadableField[];

  constructor(fields: readonly UnreadableField[]) {
    super('the JSON is no such message');
    this.fields = fields;
  }
}

/**
 * Reads a message by the grammar of ProtoJSON. Unknown fields, fields that stand there twice, and two members of a oneof are
 * refused.
 *
 * @param registry where the messages of an Any are found
 * @throws ProtoJsonError that names the fields
 */
export function readProtoJson(desc: DescMessage, json: Json, registry: Registry): Message {
  const reader = new ProtoJsonReader(registry);
  try {
    const message = reader.message(desc, json, '');
    if (message !== undefined && reader.unreadable.length === 0) return message;
  } catch (error) {
    if (!(error instanceof TooMany)) throw error;
  }
  throw new ProtoJsonError(reader.unreadable);
}

class TooMany extends Error {}

type Values = Record<string, unknown>;

/** Reads on behind what cannot be read, to tell of it all at once, as far as there is room. */
class ProtoJsonReader implements MessageReader {
  readonly registry: Registry;
  readonly unreadable: UnreadableField[] = [];

  constructor(registry: Registry) {
    this.registry = registry;
  }

  /** @returns undefined when it is told of as unreadable */
  message(desc: DescMessage, json: Json, at: string): Message | undefined {
    const readWellKnown = wellKnownReader(desc);
    if (readWellKnown !== undefined) return readWellKnown(this, json, at);
    if (!isJsonMembers(json)) return this.refuse(at, 'must be a JSON object');
    const message = create(desc);
    this.fields(desc, json, message, at);
    return message;
  }

  refuse(at: string, description: string, reason = 'wrong_type'): undefined {
    const field = at.length > maxShownPath ? `${at.slice(0, maxShownPath)}…` : at;
    this.unreadable.push({ field, description, reason });
    if (this.unreadable.length >= maxUnreadable) throw new TooMany();
    return undefined;
  }

  fields(desc: DescMessage, json: JsonMembers, values: Values, at: string): void {
    const seen = new Map<DescField, string>();
    for (const key of Object.keys(json)) {
      const path = at === '' ? key : `${at}.${key}`;
      const field = fieldNamed(desc, key);
      if (field === undefined) {
        this.refuse(path, 'is not a field of this message', 'unknown_field');
        continue;
      }
      const before = seen.get(field);
      if (before !== undefined) this.refuse(path, `is the same field as ${before}`, 'duplicate_field');
      seen.set(field, key);
      const value = json[key];
      if (value === undefined || (value === null && !takesNull(field))) continue;
      const { oneof } = field;
      if (oneof === undefined) {
        const read = this.#field(field, value, path);
        if (read !== undefined) values[field.localName] = read;
        continue;
      }
      const other = oneof.fields.find((member) => member !== field && json[seen.get(member) ?? ''] != null);
      if (other !== undefined) this.refuse(at, `takes only one of ${other.jsonName}, ${field.jsonName}`, 'oneof');
      values[oneof.localName] = { case: field.localName, value: this.#field(field, value, path) };
    }
  }

  #field(field: DescField, json: Json, at: string): unknown {
    switch (field.fieldKind) {
      case 'scalar':
      case 'enum':
        return this.#single(field, json, at);
      case 'message':
        return this.#message(field, json, at);
      case 'list':
        if (!Array.isArray(json)) return this.refuse(at, 'must be a JSON array');
        return (json as readonly Json[]).map((item, index) =>
          field.listKind === 'message'
            ? this.#message(field, item, `${at}[${index}]`)
            : this.#single(field, item, `${at}[${index}]`),
        );
      case 'map':
        return isJsonMembers(json) ? this.#map(field, json, at) : this.refuse(at, 'must be a JSON object');
    }
  }

  #single(field: DescField, json: Json, at: string): unknown {
    const read =
      field.enum === undefined ? readScalar(field.scalar ?? ScalarType.STRING, json) : this.#enum(field.enum, json);
    return read ?? this.refuse(at, describeField(field));
  }

  #enum(desc: NonNullable<DescField['enum']>, json: Json): number | undefined {
    return json === null && desc.typeName === 'google.protobuf.NullValue' ? 0 : readEnum(desc, json);
  }

  /** A message in the form that it has in a field of protobuf-es. */
  #message(field: DescField, json: Json, at: string): unknown {
    const desc = field.message;
    if (desc === undefined) return undefined;
    if (json === null && desc.typeName !== 'google.protobuf.Value') return this.refuse(at, 'must not be null');
    const message = this.message(desc, json, at);
    if (message === undefined) return undefined;
    if (field.fieldKind === 'message' && field.oneof === undefined && isWrapperDesc(desc))
      return (message as unknown as { value: unknown }).value;
    const isStruct = desc.typeName === 'google.protobuf.Struct' && field.parent.typeName !== 'google.protobuf.Value';
    return isStruct ? withoutExactNumbers(json) : message;
  }

  #map(field: DescField & { fieldKind: 'map' }, json: JsonMembers, at: string): Values {
    const map: Values = {};
    for (const [key, item] of Object.entries(json)) {
      const path = `${at}["${key}"]`;
      const read = mapKey(field.mapKey, key);
      if (read === undefined) this.refuse(path, 'has a key of the wrong type');
      const value = field.mapKind === 'message' ? this.#message(field, item, path) : this.#single(field, item, path);
      // Not by assignment: a key may be __proto__.
      const [enumerable, configurable, writable] = [true, true, true];
      if (read !== undefined) Object.defineProperty(map, read, { value, enumerable, configurable, writable });
    }
    return map;
  }
}

function mapKey(scalar: ScalarType, key: string): string | undefined {
  if (scalar === ScalarType.STRING) return key;
  if (scalar === ScalarType.BOOL) return key === 'true' || key === 'false' ? key : undefined;
  const read = readScalar(scalar, key);
  return read === undefined ? undefined : String(read);
}

/** Whether null is a value of the field, and not its absence. */
function takesNull(field: DescField): boolean {
  return (
    field.fieldKind !== 'list' &&
    field.fieldKind !== 'map' &&
    (field.message?.typeName === 'google.protobuf.Value' || field.enum?.typeName === 'google.protobuf.NullValue')
  );
}
