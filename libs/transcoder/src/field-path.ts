import type { DescField, DescMessage, JsonObject, JsonValue } from '@bufbuild/protobuf';

/** A field, and the fields that lead to it from a message. */
export type FieldPath = readonly DescField[];

/** The field of this name, in the proto or in JSON. */
export function findField(desc: DescMessage, name: string): DescField | undefined {
  return desc.fields.find((field) => field.jsonName === name || field.name === name);
}

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
export function getAtPath(json: JsonObject, path: FieldPath): JsonValue | undefined {
  let value: JsonValue | undefined = json;
  for (const field of path) {
    if (!isJsonObject(value)) return undefined;
    value = value[keyOf(value, field)];
  }
  return value;
}

/** Sets the value at a path of a JSON message, and the messages that lead there. */
export function setAtPath(json: JsonObject, path: FieldPath, value: JsonValue): void {
  let message = json;
  for (const field of path.slice(0, -1)) {
    const key = keyOf(message, field);
    const next = message[key];
    if (isJsonObject(next)) message = next;
    else message = message[key] = {};
  }
  const last = path.at(-1);
  if (last !== undefined) message[keyOf(message, last)] = value;
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function keyOf(json: JsonObject, field: DescField): string {
  return Object.hasOwn(json, field.name) ? field.name : field.jsonName;
}

/** A path of proto names as callers of REST write it. */
export function camelCase(path: string): string {
  return path.replace(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
