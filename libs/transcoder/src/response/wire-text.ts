/** The values of Protocol Buffers as ProtoJSON, read from the wire. @see https://protobuf.dev/programming-guides/json/ */
import { isUtf8 } from 'node:buffer';
import { type DescEnum, type DescField, ScalarType } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence as FieldPresence } from '@bufbuild/protobuf/wkt';
import type { WireReader } from './wire-reader.ts';

/** Reads a value and writes it; undefined when it is not certain how. What came in vain the reader knows. */
export type ReadText = (reader: WireReader, wireType: number) => string | undefined;

/** Reads a field that holds no message; undefined when it is of a kind that is not known here. */
export function scalarText(field: DescField): ReadText | undefined {
  const value = field.scalar === undefined ? field.enum && enumText(field.enum) : scalars[field.scalar];
  if (value === undefined) return undefined;
  const { wireType, read } = value;
  if (field.fieldKind !== 'list' || wireType === wire.bytes)
    return (reader, type) => (type === wireType ? read(reader) : undefined);
  return (reader, type) => {
    if (type === wireType) return read(reader);
    if (type !== wire.bytes) return undefined;
    const outer = reader.enter();
    if (outer === undefined) return undefined;
    const texts: string[] = [];
    while (reader.more) {
      const text = read(reader);
      if (text === undefined) return undefined;
      texts.push(text);
    }
    return reader.leave(outer) && texts.length > 0 ? texts.join(',') : undefined;
  };
}

/** What stands for a field that did not come; undefined when it is left out, as a message is. */
export function zeroText(field: DescField): string | undefined {
  if (field.fieldKind === 'list') return '';
  if (field.message !== undefined || field.presence !== FieldPresence.IMPLICIT) return undefined;
  if (field.enum !== undefined) return enumName(field.enum, 0);
  if (field.scalar === ScalarType.BOOL) return 'false';
  return texts.has(field.scalar) ? '""' : longs.has(field.scalar) ? '"0"' : '0';
}

/** A point in time, to the end of the reader. */
export function timestampText(reader: WireReader): string | undefined {
  let seconds: number | bigint = 0;
  let nanos = 0;
  while (reader.more) {
    const tag = reader.tag();
    if (tag === 8) seconds = reader.uint64();
    else if (tag === 16) nanos = reader.uint32();
    else return undefined;
  }
  if (typeof seconds === 'bigint' || seconds > latestSeconds || nanos > 999_999_999) return undefined;
  const upToSeconds = secondsText(seconds);
  if (nanos === 0) return `"${upToSeconds}Z"`;
  const digits = String(nanos + 1_000_000_000).slice(1);
  const shown = digits.endsWith('000000') ? digits.slice(0, 3) : digits.endsWith('000') ? digits.slice(0, 6) : digits;
  return `"${upToSeconds}.${shown}Z"`;
}

/** 9999-12-31T23:59:59Z */
const latestSeconds = 253_402_300_799;

/** The last day that was written: most of what is read together is of one. */
const last = { day: 0, text: '1970-01-01T' };

const daySeconds = 24 * 60 * 60;
const twoDigits = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'));

function secondsText(seconds: number): string {
  const day = Math.floor(seconds / daySeconds);
  if (day !== last.day) {
    last.text = new Date(day * daySeconds * 1000).toISOString().slice(0, 11);
    last.day = day;
  }
  const second = seconds - day * daySeconds;
  const minute = Math.floor(second / 60);
  const hour = Math.floor(minute / 60);
  return `${last.text}${twoDigits[hour]}:${twoDigits[minute - hour * 60]}:${twoDigits[second - minute * 60]}`;
}

interface ValueText {
  readonly wireType: number;
  readonly read: (reader: WireReader) => string | undefined;
}

const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** Those that are zero as "" and as "0". */
const texts: ReadonlySet<ScalarType> = new Set([ScalarType.STRING, ScalarType.BYTES]);
const longs: ReadonlySet<ScalarType> = new Set([
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.SINT64,
  ScalarType.FIXED64,
  ScalarType.SFIXED64,
]);

function stringText(reader: WireReader): string | undefined {
  const plain = reader.plainText();
  if (plain !== undefined) return plain;
  const bytes = reader.bytes();
  // Not all decoders keep a mark of the byte order.
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return isUtf8(bytes) && !marked ? JSON.stringify(bytes.toString('utf8')) : undefined;
}

function numberText(value: number): string | undefined {
  return Number.isFinite(value) && !Object.is(value, -0) ? JSON.stringify(value) : undefined;
}

function signed(value: number | bigint): number | bigint {
  return typeof value === 'number' ? value : BigInt.asIntN(64, value);
}

function zigzag(value: number | bigint): bigint {
  const large = BigInt(value);
  return (large >> 1n) ^ -(large & 1n);
}

const scalars: Readonly<Partial<Record<ScalarType, ValueText>>> = {
  [ScalarType.STRING]: { wireType: wire.bytes, read: stringText },
  [ScalarType.BYTES]: { wireType: wire.bytes, read: (reader) => `"${reader.bytes().toString('base64')}"` },
  [ScalarType.BOOL]: { wireType: wire.varint, read: (reader) => (reader.uint64() === 0 ? 'false' : 'true') },
  [ScalarType.INT32]: { wireType: wire.varint, read: (reader) => String(reader.uint32() | 0) },
  [ScalarType.UINT32]: { wireType: wire.varint, read: (reader) => String(reader.uint32()) },
  [ScalarType.SINT32]: { wireType: wire.varint, read: (reader) => String(BigInt.asIntN(32, zigzag(reader.uint32()))) },
  [ScalarType.INT64]: { wireType: wire.varint, read: (reader) => `"${signed(reader.uint64())}"` },
  [ScalarType.UINT64]: { wireType: wire.varint, read: (reader) => `"${reader.uint64()}"` },
  [ScalarType.SINT64]: { wireType: wire.varint, read: (reader) => `"${zigzag(reader.uint64())}"` },
  [ScalarType.FIXED32]: { wireType: wire.fixed32, read: (reader) => String(reader.fixed32().readUInt32LE()) },
  [ScalarType.SFIXED32]: { wireType: wire.fixed32, read: (reader) => String(reader.fixed32().readInt32LE()) },
  [ScalarType.FIXED64]: { wireType: wire.fixed64, read: (reader) => `"${reader.fixed64().readBigUInt64LE()}"` },
  [ScalarType.SFIXED64]: { wireType: wire.fixed64, read: (reader) => `"${reader.fixed64().readBigInt64LE()}"` },
  [ScalarType.FLOAT]: { wireType: wire.fixed32, read: (reader) => numberText(reader.fixed32().readFloatLE()) },
  [ScalarType.DOUBLE]: { wireType: wire.fixed64, read: (reader) => numberText(reader.fixed64().readDoubleLE()) },
};

/** Of several names for a number it is the one that the library takes. */
function enumName(desc: DescEnum, number: number): string {
  return JSON.stringify(desc.value[number]?.jsonName ?? number);
}

function enumText(desc: DescEnum): ValueText | undefined {
  if (!desc.open || desc.typeName === 'google.protobuf.NullValue') return undefined;
  const names = new Map(desc.values.map(({ number }) => [number, enumName(desc, number)]));
  return {
    wireType: wire.varint,
    read: (reader) => {
      const number = reader.uint32() | 0;
      return names.get(number) ?? String(number);
    },
  };
}
