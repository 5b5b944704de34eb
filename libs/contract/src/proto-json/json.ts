import type { DescField, DescMessage, JsonValue } from '@bufbuild/protobuf';

/** A number that a JavaScript number does not hold as it is written, until it is known what field it is for. */
export class ExactNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** JSON with the digits of its numbers. */
export type Json = JsonValue | ExactNumber | readonly Json[] | JsonMembers;

export interface JsonMembers {
  [name: string]: Json;
}

export function isJsonMembers(value: unknown): value is JsonMembers {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}

const fields = new WeakMap<DescMessage, ReadonlyMap<string, DescField>>();

/** The field of this name, in the proto or in JSON. */
export function fieldNamed(desc: DescMessage, name: string): DescField | undefined {
  let byName = fields.get(desc);
  if (byName === undefined) {
    byName = new Map(desc.fields.flatMap((field) => [[field.name, field] as const, [field.jsonName, field] as const]));
    fields.set(desc, byName);
  }
  return byName.get(name);
}

/** JSON with its numbers as JavaScript has them. */
export function withoutExactNumbers(json: Json): Json {
  if (json instanceof ExactNumber) return Number(json.text);
  if (Array.isArray(json)) return (json as readonly Json[]).map(withoutExactNumbers);
  if (!isJsonMembers(json)) return json;
  // Not by assignment: a name may be __proto__.
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, withoutExactNumbers(value)]));
}
