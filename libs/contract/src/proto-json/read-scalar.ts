import { type DescEnum, type DescField, ScalarType } from '@bufbuild/protobuf';
import { parseBase64, parseInteger, parseNumber } from './grammar.ts';
import { ExactNumber, type Json } from './json.ts';

/** The value of a field of protobuf-es; undefined when JSON gives none. */
export type Scalar = string | number | bigint | boolean | Uint8Array;

/** Reads a value that is no message. */
export function readScalar(scalar: ScalarType, json: Json): Scalar | undefined {
  switch (scalar) {
    case ScalarType.STRING:
      return typeof json === 'string' ? json : undefined;
    case ScalarType.BOOL:
      return typeof json === 'boolean' ? json : undefined;
    case ScalarType.BYTES:
      return typeof json === 'string' ? parseBase64(json) : undefined;
    case ScalarType.DOUBLE:
      return readDouble(json);
    case ScalarType.FLOAT: {
      const value = readDouble(json);
      return value === undefined ||
        Number.isFinite(Math.fround(value)) === Number.isFinite(value) ||
        Number.isNaN(value)
        ? value
        : undefined;
    }
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return readInteger(json, -(2 ** 31), 2 ** 31 - 1);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return readInteger(json, 0, 2 ** 32 - 1);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return readLong(json, -(2n ** 63n), 2n ** 63n - 1n);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return readLong(json, 0n, 2n ** 64n - 1n);
  }
}

/** Reads the number of an enum's value, which JSON gives by its name or its number. */
export function readEnum(desc: DescEnum, json: Json): number | undefined {
  if (typeof json === 'string') return desc.values.find(({ name }) => name === json)?.number;
  if (typeof json !== 'number' && !(json instanceof ExactNumber)) return undefined;
  const number = readInteger(json, -(2 ** 31), 2 ** 31 - 1);
  return number === undefined || desc.open || number in desc.value ? number : undefined;
}

function readDouble(json: Json): number | undefined {
  if (json === 'NaN') return NaN;
  if (json === 'Infinity') return Infinity;
  if (json === '-Infinity') return -Infinity;
  if (typeof json === 'number') return Number.isFinite(json) ? json : undefined;
  return parseNumber(numberText(json));
}

function readInteger(json: Json, least: number, greatest: number): number | undefined {
  const read = typeof json === 'number' ? json : parseInteger(numberText(json));
  const value = Number(read);
  return Number.isInteger(value) && value >= least && value <= greatest ? value : undefined;
}

function readLong(json: Json, least: bigint, greatest: bigint): bigint | undefined {
  if (typeof json === 'number' && !Number.isInteger(json)) return undefined;
  const value = typeof json === 'number' ? BigInt(json) : parseInteger(numberText(json));
  return value !== undefined && value >= least && value <= greatest ? value : undefined;
}

/** A number in quotes or without; empty, which is no number, of anything else. */
function numberText(json: Json): string {
  return typeof json === 'string' ? json : json instanceof ExactNumber ? json.text : '';
}

/** What a field takes, as the end of a sentence. */
export function describeField(field: DescField): string {
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
