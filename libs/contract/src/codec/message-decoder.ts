import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { scalarReader, wireTypeOf, zeroOf } from './wire-scalars.ts';

/** How deep messages may lie in one another: the limit of Protocol Buffers in all languages. */
const maxDepth = 100;

type Fields = Record<string, unknown>;

/** Where the reading stands. */
interface Input {
  readonly bytes: Uint8Array;
  readonly reader: BinaryReader;
  depth: number;
}

/** Reads one field, whose tag has been read, into a message. */
type FieldReader = (target: Fields, input: Input, wireType: WireType, end: number) => void;

/** Makes and fills messages of one type. */
interface MessageReader {
  readonly create: () => Fields;
  /** Merges what stands there into a message. */
  readonly read: (target: Fields, input: Input, end: number) => void;
}

/**
 * Makes the decoder of a message, in the shape of the generated types.
 *
 * It reads by the specification of proto3, as protobuf-es does: of a field that comes twice the last counts, embedded
 * messages that come twice are merged, of a oneof the last member counts, and unknown fields are skipped. It refuses what
 * readers have different opinions about: a wire type that is not the field's, text that is not UTF-8, a varint of more
 * than ten bytes, a field that reaches beyond its message.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export function messageDecoder(desc: DescMessage): (bytes: Uint8Array) => object {
  const message = messageReader(desc);
  return (bytes) => {
    const target = message.create();
    if (bytes.length > 0) message.read(target, { bytes, reader: new BinaryReader(bytes), depth: 0 }, bytes.length);
    return target;
  };
}

const known = new WeakMap<DescMessage, MessageReader>();

function messageReader(desc: DescMessage): MessageReader {
  const before = known.get(desc);
  if (before !== undefined) return before;
  const fields = new Map<number, FieldReader>();
  const template: Fields = {};
  const fresh: [name: string, make: () => object][] = [];
  const reader: MessageReader = {
    create: isMask(desc)
      ? () => [] as unknown as Fields
      : () => {
          const message = { ...template };
          for (const [name, make] of fresh) message[name] = make();
          return message;
        },
    read: (target, input, end) => readFields(fields, desc, target, input, end),
  };
  known.set(desc, reader); // before its fields, for a message may hold itself
  for (const field of desc.fields) {
    fields.set(field.number, isMask(desc) ? readPath : fieldReader(field));
    if (field.oneof !== undefined || field.proto.proto3Optional) continue; // it is absent until it is set
    template[nameOf(field)] = defaultOf(field);
    if (field.fieldKind === 'list') fresh.push([nameOf(field), () => []]);
    if (field.fieldKind === 'map')
      fresh.push([nameOf(field), () => (field.mapKey === ScalarType.BOOL ? new Map() : {})]);
  }
  return reader;
}

function readFields(
  fields: ReadonlyMap<number, FieldReader>,
  desc: DescMessage,
  target: Fields,
  input: Input,
  end: number,
): void {
  const { reader, bytes } = input;
  if ((input.depth += 1) > maxDepth) throw new Error(`${desc.typeName} lies in more than ${maxDepth} messages`);
  while (reader.pos < end) {
    const first = bytes[reader.pos] ?? 0;
    let number = first >>> 3;
    let wireType: WireType = first & 7;
    if (first < 0x80 && number > 0) reader.pos += 1;
    else [number, wireType] = reader.tag();
    const field = fields.get(number);
    if (field === undefined) skip(input, number, wireType, end);
    else field(target, input, wireType, end);
  }
  if (reader.pos !== end) throw new Error(`a field of ${desc.typeName} reaches beyond it`);
  input.depth -= 1;
}

function skip({ reader, depth }: Input, number: number, wireType: WireType, end: number): void {
  if (wireType === WireType.Varint) reader.uint64();
  else reader.skip(wireType, number, maxDepth - depth);
  if (reader.pos > end) throw new Error('a field reaches beyond its message');
}

/** Where what comes next ends, given that its length stands before it. */
function endOf({ reader }: Input, end: number): number {
  const length = reader.uint32();
  if (length > end - reader.pos) throw new Error('a field reaches beyond its message');
  return reader.pos + length;
}

function expect(field: DescField, wireType: WireType, expected: WireType): void {
  if (wireType !== expected) throw new Error(`${String(field)} has the wire type ${wireType}, not ${expected}`);
}

function fieldReader(field: DescField): FieldReader {
  switch (field.fieldKind) {
    case 'scalar':
    case 'enum':
      return singularReader(field);
    case 'message': {
      const name = nameOf(field);
      const others = othersOf(field);
      const message = messageReader(field.message);
      return (target, input, wireType, end) => {
        expect(field, wireType, WireType.LengthDelimited);
        for (const other of others) delete target[other];
        const inner = (target[name] ??= message.create()) as Fields;
        message.read(inner, input, endOf(input, end));
      };
    }
    case 'list':
      return listReader(field);
    case 'map':
      return mapReader(field);
  }
}

function singularReader(field: DescField & { fieldKind: 'scalar' | 'enum' }): FieldReader {
  const name = nameOf(field);
  const others = othersOf(field);
  const scalar = field.scalar ?? ScalarType.INT32;
  const expected = wireTypeOf(scalar);
  const read = scalarReader(scalar);
  const isKnown = knownValues(field);
  return (target, { reader, bytes }, wireType, end) => {
    expect(field, wireType, expected);
    const value = read(reader, bytes, end);
    if (isKnown !== undefined && !isKnown(value)) return;
    for (const other of others) delete target[other];
    target[name] = value;
  };
}

function listReader(field: DescField & { fieldKind: 'list' }): FieldReader {
  const name = nameOf(field);
  if (field.listKind === 'message') {
    const message = messageReader(field.message);
    return (target, input, wireType, end) => {
      expect(field, wireType, WireType.LengthDelimited);
      const item = message.create();
      message.read(item, input, endOf(input, end));
      (target[name] as unknown[]).push(item);
    };
  }
  const scalar = field.listKind === 'enum' ? ScalarType.INT32 : field.scalar;
  const expected = wireTypeOf(scalar);
  const read = scalarReader(scalar);
  const isKnown = knownValues(field);
  const push = (list: unknown[], value: unknown): void => {
    if (isKnown === undefined || isKnown(value)) list.push(value);
  };
  return (target, input, wireType, end) => {
    const list = target[name] as unknown[];
    const { reader, bytes } = input;
    if (wireType !== WireType.LengthDelimited || expected === WireType.LengthDelimited) {
      expect(field, wireType, expected);
      push(list, read(reader, bytes, end));
      return;
    }
    const packedEnd = endOf(input, end);
    while (reader.pos < packedEnd) push(list, read(reader, bytes, packedEnd));
    if (reader.pos !== packedEnd) throw new Error(`${String(field)} reaches beyond its list`);
  };
}

function mapReader(field: DescField & { fieldKind: 'map' }): FieldReader {
  const name = nameOf(field);
  const keyWireType = wireTypeOf(field.mapKey);
  const readKey = scalarReader(field.mapKey);
  const message = field.mapKind === 'message' ? messageReader(field.message) : undefined;
  const scalar = field.mapKind === 'enum' ? ScalarType.INT32 : field.mapKind === 'scalar' ? field.scalar : undefined;
  const readValue = scalar === undefined ? undefined : scalarReader(scalar);
  const valueWireType = scalar === undefined ? WireType.LengthDelimited : wireTypeOf(scalar);
  return (target, input, wireType, end) => {
    expect(field, wireType, WireType.LengthDelimited);
    const { reader, bytes } = input;
    const entryEnd = endOf(input, end);
    let key: unknown = zeroOf(field.mapKey);
    let value: unknown = scalar === undefined ? message?.create() : zeroOf(scalar);
    while (reader.pos < entryEnd) {
      const [number, entryWireType] = reader.tag();
      if (number === 1) {
        expect(field, entryWireType, keyWireType);
        key = readKey(reader, bytes, entryEnd);
      } else if (number === 2) {
        expect(field, entryWireType, valueWireType);
        if (readValue !== undefined) value = readValue(reader, bytes, entryEnd);
        else message?.read(value as Fields, input, endOf(input, entryEnd));
      } else skip(input, number, entryWireType, entryEnd);
    }
    if (reader.pos !== entryEnd) throw new Error(`${String(field)} reaches beyond its entry`);
    if (typeof key === 'boolean') (target[name] as Map<boolean, unknown>).set(key, value);
    // Not by assignment: a key may be __proto__.
    else
      Object.defineProperty(target[name], String(key), {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
  };
}

const readString = scalarReader(ScalarType.STRING);

/** A path of a FieldMask, which is a list of paths in the generated types. */
const readPath: FieldReader = (target, { reader, bytes }, wireType, end) => {
  if (wireType !== WireType.LengthDelimited) throw new Error(`a path has the wire type ${wireType}`);
  (target as unknown as unknown[]).push(readString(reader, bytes, end));
};

/** The name of a field in the generated types. */
function nameOf(field: DescField): string {
  return field.jsonName;
}

function isMask(desc: DescMessage): boolean {
  return desc.typeName === 'google.protobuf.FieldMask';
}

/** The other members of a field's oneof. */
function othersOf(field: DescField): readonly string[] {
  return field.oneof === undefined ? [] : field.oneof.fields.filter((other) => other !== field).map(nameOf);
}

/** A closed enum knows its own numbers alone. @returns undefined when any number will do */
function knownValues(field: DescField): ((value: unknown) => boolean) | undefined {
  if (field.enum === undefined || field.enum.open) return undefined;
  const numbers = new Set<unknown>(field.enum.values.map(({ number }) => number));
  return (value) => numbers.has(value);
}

function defaultOf(field: DescField): unknown {
  if (field.fieldKind === 'scalar') return zeroOf(field.scalar);
  return field.fieldKind === 'enum' ? 0 : null;
}
