import { create, type DescField, type DescMessage, type Message, ScalarType } from '@bufbuild/protobuf';
import type { Random } from './random.ts';

const texts = ['', 'a', 'ada@example.com', 'lobby', 'ä€😀', '\u0085', '\ufeffb', '\ufffd', '-', 'name,email', '\n'];
const numbers = [0n, 1n, 7n, 150n, 151n, 1000n, 2n ** 31n - 1n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 63n - 1n, -1n];

/** A message of a kind, with values at the edges of rules and of types. */
export function randomMessage(desc: DescMessage, random: Random, depth = 0): Message {
  const values: [string, unknown][] = [];
  const message = create(desc);
  for (const field of desc.fields) {
    if (random.chance(3) || (field.message !== undefined && depth > 3)) continue;
    const value = fieldValue(field, random, depth);
    if (field.oneof !== undefined) values.push([field.oneof.localName, { case: field.localName, value }]);
    else values.push([field.localName, value]);
  }
  return Object.assign(message, Object.fromEntries(values));
}

function fieldValue(field: DescField, random: Random, depth: number): unknown {
  const count = random.below(4);
  if (field.fieldKind === 'list') return Array.from({ length: count }, () => oneValue(field, random, depth));
  if (field.fieldKind === 'map') {
    const key = (): string =>
      field.mapKey === ScalarType.STRING
        ? random.pick(['', 'a', 'ü', '__proto__'])
        : field.mapKey === ScalarType.BOOL
          ? random.pick(['true', 'false'])
          : String(random.below(5));
    return Object.fromEntries(Array.from({ length: count }, () => [key(), oneValue(field, random, depth)]));
  }
  const { message } = field;
  // A message of protobuf-es has the values of wrappers, and JSON for a Struct, in place of the messages.
  if (message?.typeName === 'google.protobuf.Struct' && field.oneof === undefined) return { a: 1, b: [null, 'x'] };
  const wrapped = message !== undefined && /^google\.protobuf\.\w+Value$/.test(message.typeName);
  const [inner] = message?.fields ?? [];
  if (wrapped && inner !== undefined && message?.fields.length === 1 && inner.fieldKind === 'scalar')
    return scalarValue(inner.scalar, random);
  return oneValue(field, random, depth);
}

function oneValue(field: DescField, random: Random, depth: number): unknown {
  if (field.message !== undefined) return randomMessage(field.message, random, depth + 1);
  if (field.enum !== undefined) return random.pick([0, 1, 2, 3, 9, -1]);
  return scalarValue(field.scalar ?? ScalarType.INT32, random);
}

function scalarValue(scalar: ScalarType, random: Random): unknown {
  const number = random.pick(numbers);
  switch (scalar) {
    case ScalarType.STRING:
      return random.chance(4) ? 'x'.repeat(random.below(300)) : random.pick(texts);
    case ScalarType.BYTES:
      return new Uint8Array(random.below(5)).fill(random.below(256));
    case ScalarType.BOOL:
      return random.chance(2);
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return random.pick([0, 1, -0.5, Infinity]);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return BigInt.asIntN(64, number);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return BigInt.asUintN(64, number);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return Number(BigInt.asUintN(32, number));
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return Number(BigInt.asIntN(32, number));
  }
}
