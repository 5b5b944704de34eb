import type { DescField, DescMessage, JsonObject, JsonValue } from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';
import { findField } from './field-path.ts';

/** The deepest nesting of arrays and objects that is read. Messages of ours need a fraction of it. */
export const maxJsonDepth = 100;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** JSON that cannot be taken; the message is fit for the caller. */
export class JsonTextError extends Error {}

/**
 * Reads JSON from bytes.
 *
 * @param longsOf the message whose 64-bit fields keep all their digits when they are written as numbers
 * @throws JsonTextError when it is not UTF-8, not JSON, nested too deep, or has an unpaired surrogate
 */
export function parseJson(bytes: Uint8Array, longsOf: DescMessage | undefined): JsonValue {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw new JsonTextError('is not UTF-8');
  }
  if (nesting(text) > maxJsonDepth) throw new JsonTextError(`is nested deeper than ${maxJsonDepth} levels`);
  const exact = longsOf !== undefined && /\d{16}/.test(text);
  let json: JsonValue;
  try {
    json = (exact ? JSON.parse(text, keepDigits) : JSON.parse(text)) as JsonValue;
  } catch (error) {
    throw new JsonTextError(`is not JSON: ${(error as Error).message}`);
  }
  if (/\\ud[89a-f]/i.test(text)) checkWellFormed(json, '');
  return exact ? withLongs(json, longsOf) : json;
}

/** How deep arrays and objects stand inside each other. Brackets in strings do not count. */
function nesting(text: string): number {
  if (text.length <= maxJsonDepth) return 0;
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22: // "
        for (at++; at < text.length && text.charCodeAt(at) !== 0x22; at++) if (text.charCodeAt(at) === 0x5c) at++;
        break;
      case 0x5b: // [
      case 0x7b: // {
        deepest = Math.max(deepest, ++depth);
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth--;
        break;
    }
  }
  return deepest;
}

function checkWellFormed(json: JsonValue, path: string): void {
  if (typeof json === 'string') {
    if (!json.isWellFormed()) throw new JsonTextError(`has an unpaired surrogate at ${path === '' ? 'the top' : path}`);
  } else if (typeof json === 'object' && json !== null) {
    for (const [key, value] of Object.entries(json)) {
      if (!key.isWellFormed()) throw new JsonTextError('has an unpaired surrogate in a key');
      checkWellFormed(value, path === '' ? key : `${path}.${key}`);
    }
  }
}

/** A number whose digits do not fit a JavaScript number, until it is known what field it is for. */
class Digits {
  readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
}

function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  return typeof value === 'number' && source !== undefined && !Number.isSafeInteger(value) && /^-?\d+$/.test(source)
    ? new Digits(source)
    : value;
}

const longScalars = new Set([
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.SINT64,
  ScalarType.FIXED64,
  ScalarType.SFIXED64,
]);

/** Writes exact digits as a string in 64-bit fields, which take both, and as a number elsewhere. */
function withLongs(json: unknown, desc: DescMessage | undefined, field?: DescField): JsonValue {
  if (json instanceof Digits) return isLong(field) ? json.source : Number(json.source);
  if (Array.isArray(json)) return json.map((item) => withLongs(item, desc, field));
  if (typeof json !== 'object' || json === null) return json as JsonValue;
  const read: JsonObject = {};
  for (const [key, value] of Object.entries(json)) {
    const inMap = field?.fieldKind === 'map';
    const member = inMap ? field : desc === undefined ? undefined : findField(desc, key);
    // A map's own field tells of its values, but not of what is inside them.
    const of = inMap && !(value instanceof Digits) ? undefined : member;
    Object.defineProperty(read, key, {
      value: withLongs(value, member?.message, of),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return read;
}

function isLong(field: DescField | undefined): boolean {
  if (field?.scalar !== undefined) return longScalars.has(field.scalar);
  return (
    field?.message?.typeName === 'google.protobuf.Int64Value' ||
    field?.message?.typeName === 'google.protobuf.UInt64Value'
  );
}
