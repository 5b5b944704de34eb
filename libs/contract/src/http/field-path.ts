import type { DescField, DescMessage, JsonObject, JsonValue } from '@bufbuild/protobuf';
import { fieldNamed, isJsonMembers, type Json, type JsonMembers } from '../proto-json/json.ts';

/** A field, and the fields that lead to it from a message. */
export type FieldPath = readonly DescField[];

/** The field of this name, in the proto or in JSON. */
export const findField: (desc: DescMessage, name: string) => DescField | undefined = fieldNamed;

/** Follows names separated by dots through messages. Undefined when there is no such field, or a list or map on the way. */
export function findFieldPath(desc: DescMessage, path: string): FieldPath | undefined {
  const fields: DescField[] = [];
  let message: DescMessage | undefined = desc;
  for (const name of path.split('.')) {
    const field: DescField | undefined = message === undefined ? undefined : findField(message, name);
    if (field === undefined) return undefined;
    fields.push(field);
    message = field.fieldKind === 'message' ? field.message : undefined;
  }
  return fields;
}

/** The path as callers of REST write it. */
export function jsonPath(path: FieldPath): string {
  return path.map((field) => field.jsonName).join('.');
}

/** The value at a path of a JSON message, under whichever of its names each field stands there. */
export function getAtPath<Value>(json: { readonly [name: string]: Value }, path: FieldPath): Value | undefined {
  let value: unknown = json;
  for (const field of path) {
    if (!isJsonMembers(value)) return undefined;
    value = value[keyOf(value, field)];
  }
  return value as Value | undefined;
}

/**
 * Puts a value at a path of a JSON message, with the messages that lead there. What stands on the way and is no message is
 * left there, to be refused with the rest; null stands for nothing.
 */
export function putAtPath(json: JsonMembers, path: FieldPath, value: Json): void {
  let message = json;
  for (const field of path.slice(0, -1)) {
    const key = keyOf(message, field);
    const next = message[key] ?? (message[key] = {});
    if (!isJsonMembers(next)) return;
    message = next;
  }
  const last = path.at(-1);
  if (last !== undefined) message[keyOf(message, last)] = value;
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return isJsonMembers(value);
}

function keyOf(json: object, field: DescField): string {
  return Object.hasOwn(json, field.name) ? field.name : field.jsonName;
}

/** A path of proto names as callers of REST write it. */
export function camelCase(path: string): string {
  return path.replace(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
