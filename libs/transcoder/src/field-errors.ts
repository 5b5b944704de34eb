import {
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Registry,
  ScalarType,
} from '@bufbuild/protobuf';
import type { FieldViolation } from '@rollcall/grpc';
import { findField, isJsonObject } from './field-path.ts';

/** The most violations that one answer lists. */
const maxViolations = 16;

/**
 * Finds out which fields of a JSON message cannot be read, once it is known that some cannot. The paths are those of
 * the caller's JSON.
 *
 * @param at the path of the message itself; empty for the request
 */
export function unreadableFields(desc: DescMessage, json: JsonValue, registry: Registry, at = ''): FieldViolation[] {
  if (isOpaque(desc))
    return readable(() => fromJson(desc, json, { registry })) ? [] : [violation(at, describeMessage(desc))];
  if (!isJsonObject(json)) return [violation(at, 'must be a JSON object')];
  const found: FieldViolation[] = [];
  const seen = new Map<DescField, string>();
  for (const [key, value] of Object.entries(json)) {
    if (found.length >= maxViolations) break;
    const path = at === '' ? key : `${at}.${key}`;
    const field = findField(desc, key);
    if (field === undefined) {
      found.push(violation(path, 'is not a field of this message', 'unknown_field'));
      continue;
    }
    const before = seen.get(field);
    if (before !== undefined) found.push(violation(path, `is the same field as ${before}`, 'duplicate_field'));
    seen.set(field, key);
    found.push(...unreadableField(desc, field, value, registry, path));
  }
  for (const oneof of desc.oneofs) {
    const set = oneof.fields.filter((field) => seen.has(field) && json[seen.get(field) ?? ''] !== null);
    if (set.length > 1)
      found.push(violation(at, `takes only one of ${set.map((field) => field.jsonName).join(', ')}`, 'oneof'));
  }
  return found.slice(0, maxViolations);
}

function unreadableField(
  desc: DescMessage,
  field: DescField,
  value: JsonValue,
  registry: Registry,
  path: string,
): FieldViolation[] {
  const alone: JsonObject = { [field.jsonName]: value };
  if (readable(() => fromJson(desc, alone, { registry }))) return [];
  if (field.fieldKind === 'message') return unreadableFields(field.message, value, registry, path);
  if (field.fieldKind === 'list') {
    if (!Array.isArray(value)) return [violation(path, 'must be a JSON array')];
    return value.flatMap((item, index) => {
      if (readable(() => fromJson(desc, { [field.jsonName]: [item] }, { registry }))) return [];
      const itemPath = `${path}[${index}]`;
      if (item !== null && field.listKind === 'message')
        return unreadableFields(field.message, item, registry, itemPath);
      return [violation(itemPath, describeField(field))];
    });
  }
  if (field.fieldKind === 'map' && isJsonObject(value)) {
    return Object.entries(value).flatMap(([key, item]) => {
      const entry = JSON.parse(`{${JSON.stringify(key)}:${JSON.stringify(item)}}`) as JsonObject; // a key may be __proto__
      if (readable(() => fromJson(desc, { [field.jsonName]: entry }, { registry }))) return [];
      return [violation(`${path}["${key}"]`, 'has a key or a value of the wrong type')];
    });
  }
  return [violation(path, field.fieldKind === 'map' ? 'must be a JSON object' : describeField(field))];
}

function readable(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false; // which field it is, is all that is asked here
  }
}

function violation(field: string, description: string, reason = 'wrong_type'): FieldViolation {
  return { field, description, reason };
}

/** A message that JSON writes in a form of its own. */
function isOpaque(desc: DescMessage): boolean {
  return desc.typeName.startsWith('google.protobuf.');
}

function describeMessage({ typeName }: DescMessage): string {
  switch (typeName) {
    case 'google.protobuf.Timestamp':
      return 'must be a time of RFC 3339, such as "2026-01-02T03:04:05Z"';
    case 'google.protobuf.Duration':
      return 'must be a duration in seconds, such as "1.5s"';
    case 'google.protobuf.FieldMask':
      return 'must be names of fields separated by commas, such as "name,email"';
    default:
      return `must be the JSON form of ${typeName}`;
  }
}

function describeField(field: DescField): string {
  if (field.enum !== undefined) {
    return `must be one of ${field.enum.values.map((value) => value.name).join(', ')}`;
  }
  switch (field.scalar) {
    case undefined:
      return 'has the wrong type';
    case ScalarType.STRING:
      return 'must be a string';
    case ScalarType.BOOL:
      return 'must be true or false';
    case ScalarType.BYTES:
      return 'must be a string in base64';
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return 'must be a number';
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return 'must be a whole number from 0 to 4294967295';
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return 'must be a whole number from -2147483648 to 2147483647';
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return 'must be a whole number from 0 to 18446744073709551615';
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return 'must be a whole number from -9223372036854775808 to 9223372036854775807';
  }
}
