import { ScalarType } from '@bufbuild/protobuf';
import { type BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** Reads a value in the form of the generated types. What lies behind `end` is not its own. */
export type ScalarReader = (reader: BinaryReader, bytes: Uint8Array, end: number) => unknown;

/** The wire type of a value that stands alone. */
export function wireTypeOf(scalar: ScalarType): WireType {
  switch (scalar) {
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return WireType.Bit64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return WireType.Bit32;
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WireType.LengthDelimited;
    case ScalarType.BOOL:
    case ScalarType.INT32:
    case ScalarType.INT64:
    case ScalarType.UINT32:
    case ScalarType.UINT64:
    case ScalarType.SINT32:
    case ScalarType.SINT64:
      return WireType.Varint;
  }
}

const noBytes = Buffer.alloc(0);

/** What a value is that was not sent. */
export function zeroOf(scalar: ScalarType): unknown {
  switch (scalar) {
    case ScalarType.STRING:
      return '';
    case ScalarType.BYTES:
      return noBytes;
    case ScalarType.BOOL:
      return false;
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return '0';
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
    case ScalarType.INT32:
    case ScalarType.UINT32:
    case ScalarType.SINT32:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return 0;
  }
}

export function scalarReader(scalar: ScalarType): ScalarReader {
  switch (scalar) {
    case ScalarType.DOUBLE:
      return (reader) => reader.double();
    case ScalarType.FLOAT:
      return (reader) => reader.float();
    case ScalarType.INT64:
      return (reader, bytes) => smallNumber(reader, bytes) ?? String(reader.int64());
    case ScalarType.UINT64:
      return (reader, bytes) => smallNumber(reader, bytes) ?? String(reader.uint64());
    case ScalarType.INT32:
      return (reader) => reader.int32();
    case ScalarType.FIXED64:
      return (reader) => String(reader.fixed64());
    case ScalarType.FIXED32:
      return (reader) => reader.fixed32();
    case ScalarType.BOOL:
      return readBool;
    case ScalarType.STRING:
      return readText;
    case ScalarType.BYTES:
      return (reader) => asBuffer(reader.bytes());
    case ScalarType.UINT32:
      return (reader) => reader.uint32();
    case ScalarType.SFIXED32:
      return (reader) => reader.sfixed32();
    case ScalarType.SFIXED64:
      return (reader) => String(reader.sfixed64());
    case ScalarType.SINT32:
      return (reader) => reader.sint32();
    case ScalarType.SINT64:
      return (reader) => String(reader.sint64());
  }
}

/** The digits of a varint of up to seven bytes, which is exact as a number; undefined of a longer one. */
function smallNumber(reader: BinaryReader, bytes: Uint8Array): string | undefined {
  let value = 0;
  let factor = 1;
  for (let at = reader.pos, last = Math.min(at + 7, bytes.length); at < last; at += 1) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) {
      reader.pos = at + 1;
      return String(value);
    }
    factor *= 128;
  }
  return undefined;
}

function readBool(reader: BinaryReader, bytes: Uint8Array): boolean {
  if (reader.pos >= bytes.length) throw new RangeError('premature end');
  return reader.bool();
}

/** @throws Error when it is not UTF-8 */
function readText(reader: BinaryReader): string {
  return reader.string(true);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
