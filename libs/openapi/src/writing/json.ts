import type { JsonObject, JsonValue } from '@bufbuild/protobuf';

/** An object without the keys that have nothing: undefined, an empty string, an empty array or object. */
export function compact(entries: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  const kept: JsonObject = {};
  for (const [key, value] of Object.entries(entries)) {
    if (value === undefined || value === '') continue;
    if (typeof value === 'object' && value !== null && Object.keys(value).length === 0) continue;
    kept[key] = value;
  }
  return kept;
}

/** A value as text: a string as it is, anything else as JSON. */
export function plain(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Sentences and paragraphs as one text. */
export function text(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join(' ');
}

/** A reference to a component. */
export function refTo(kind: 'schemas' | 'parameters' | 'headers' | 'responses', name: string): JsonObject {
  return { $ref: `#/components/${kind}/${name}` };
}
