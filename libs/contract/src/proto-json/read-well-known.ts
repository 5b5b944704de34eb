import { create, type DescMessage, fromJson, type JsonValue, type Message, type Registry } from '@bufbuild/protobuf';
import { anyPack, AnySchema, isWrapperDesc } from '@bufbuild/protobuf/wkt';
import { parseDuration, parseMask, parseTimestamp } from './grammar.ts';
import { isJsonMembers, type Json, withoutExactNumbers } from './json.ts';
import { describeField, readScalar } from './read-scalar.ts';

/** What reads the message that a well-known one is in. */
export interface MessageReader {
  readonly registry: Registry;
  /** @returns undefined when it is told of as unreadable */
  message(desc: DescMessage, json: Json, at: string): Message | undefined;
  /** Tells that a value cannot be read. */
  refuse(at: string, description: string, reason?: string): undefined;
}

type WellKnownReader = (reader: MessageReader, json: Json, at: string) => Message | undefined;

const known = new WeakMap<DescMessage, { readonly read: WellKnownReader | undefined }>();

/** Reads a message that JSON writes in a form of its own; undefined for one that it does not. */
export function wellKnownReader(desc: DescMessage): WellKnownReader | undefined {
  let found = known.get(desc);
  if (found === undefined) {
    found = { read: desc.typeName.startsWith('google.protobuf.') ? readerOf(desc) : undefined };
    known.set(desc, found);
  }
  return found.read;
}

function readerOf(desc: DescMessage): WellKnownReader | undefined {
  switch (desc.typeName) {
    case 'google.protobuf.Timestamp':
      return textReader(desc, parseTimestamp, 'must be a time of RFC 3339, such as "2026-01-02T03:04:05Z"');
    case 'google.protobuf.Duration':
      return textReader(desc, parseDuration, 'must be a duration in seconds, such as "1.5s"');
    case 'google.protobuf.FieldMask': {
      const parse = (text: string): object | undefined => {
        const paths = parseMask(text);
        return paths && { paths };
      };
      return textReader(desc, parse, 'must be names of fields separated by commas, such as "name,email"');
    }
    case 'google.protobuf.Any':
      return readAny;
    case 'google.protobuf.Struct':
    case 'google.protobuf.Value':
    case 'google.protobuf.ListValue':
      return (reader, json, at) => {
        try {
          return fromJson(desc, withoutExactNumbers(json) as JsonValue);
        } catch {
          return reader.refuse(at, `must be the JSON form of ${desc.typeName}`);
        }
      };
    default:
      return isWrapperDesc(desc) ? wrapperReader(desc) : undefined;
  }
}

function textReader(
  desc: DescMessage,
  parse: (text: string) => object | undefined,
  description: string,
): WellKnownReader {
  return (reader, json, at) => {
    const values = typeof json === 'string' ? parse(json) : undefined;
    return values === undefined ? reader.refuse(at, description) : Object.assign(create(desc), values);
  };
}

function wrapperReader(desc: DescMessage): WellKnownReader | undefined {
  const [field] = desc.fields;
  if (field?.fieldKind !== 'scalar') return undefined;
  return (reader, json, at) => {
    const value = readScalar(field.scalar, json);
    return value === undefined ? reader.refuse(at, describeField(field)) : Object.assign(create(desc), { value });
  };
}

/** @see https://protobuf.dev/programming-guides/json/#any */
function readAny(reader: MessageReader, json: Json, at: string): Message | undefined {
  if (!isJsonMembers(json)) return reader.refuse(at, 'must be a JSON object');
  const { '@type': url, ...others } = json;
  if (url === undefined && Object.keys(others).length === 0) return create(AnySchema);
  const name = typeof url === 'string' ? url.slice(url.lastIndexOf('/') + 1) : '';
  const desc = typeof url === 'string' && url.includes('/') ? reader.registry.getMessage(name) : undefined;
  if (desc === undefined) return reader.refuse(at, 'must name a message that is known here in "@type"', 'unknown_type');
  const isSpecial = wellKnownReader(desc) !== undefined;
  if (isSpecial && Object.keys(others).some((key) => key !== 'value'))
    return reader.refuse(at, `must have the JSON form of ${name} in "value"`);
  const message = reader.message(desc, isSpecial ? (others['value'] ?? null) : others, at);
  if (message === undefined) return undefined;
  return Object.assign(anyPack(desc, message), { typeUrl: url });
}
