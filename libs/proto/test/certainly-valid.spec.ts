import {
  create,
  type DescMessage,
  fromBinary,
  fromJson,
  type Message,
  type MessageInitShape,
  toBinary,
  ScalarType,
} from '@bufbuild/protobuf';
import { createValidator } from '@bufbuild/protovalidate';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { codecsOf, isCertainlyValid, type Method } from '@rollcall/contract';
import { rollcallContract } from '../src/contracts.ts';

const validator = createValidator();
const codecs = codecsOf(rollcallContract);

function methodOf(name: string): Method {
  const found = rollcallContract.methods.get(`/rollcall.user.v1.UserService/${name}`);
  if (found === undefined) throw new Error(`the contract has no ${name}`);
  return found;
}

/** Texts at the edges of the rules. */
const texts = fc.oneof(
  fc.constantFrom(
    '',
    'a',
    'ada@example.com',
    'a@b',
    'ä@example.com',
    'a@-b.com',
    'a\nb',
    '\u007f',
    '!~',
    '😀',
    '\ufffd',
  ),
  fc.string({ unit: 'binary', maxLength: 5 }),
  fc
    .tuple(fc.constantFrom('x', 'é', '😀'), fc.constantFrom(63, 64, 65, 127, 128, 129, 199, 200, 201, 254, 255, 4097))
    .map(([unit, count]) => unit.repeat(count)),
  fc.integer({ min: 55, max: 66 }).map((length) => `a@${'b'.repeat(length)}.com`),
);
const integers = fc.oneof(
  fc.constantFrom(
    0n,
    1n,
    -1n,
    4n,
    5n,
    150n,
    151n,
    2n ** 31n - 1n,
    -(2n ** 31n),
    2n ** 53n,
    2n ** 63n - 1n,
    2n ** 63n,
    2n ** 64n - 1n,
  ),
  fc.bigInt({ min: 0n, max: 300n }),
);

/** Any message of a kind, with values at the edges of the rules. */
function messages(desc: DescMessage): fc.Arbitrary<Message> {
  const fields = desc.fields.map((field) => {
    const one = (): fc.Arbitrary<unknown> => {
      if (field.message !== undefined) return messages(field.message);
      if (field.enum !== undefined) return fc.integer({ min: -1, max: 7 });
      const { scalar } = field;
      if (scalar === ScalarType.STRING) return texts;
      if (scalar === ScalarType.BOOL) return fc.boolean();
      if (scalar === ScalarType.UINT64) return integers.map((value) => BigInt.asUintN(64, value));
      if (scalar === ScalarType.INT64) return integers.map((value) => BigInt.asIntN(64, value));
      return integers.map((value) => Number(BigInt.asIntN(32, value)));
    };
    const value = field.fieldKind === 'list' ? fc.array(one(), { maxLength: 3 }) : one();
    return fc.option(
      value.map((given) => [[field.localName, given] as const]),
      { nil: [] },
    );
  });
  return fc
    .tuple(...fields)
    .map((given) => create(desc, Object.fromEntries(given.flat()) as MessageInitShape<DescMessage>));
}

const requests = ['CreateUser', 'GetUser', 'ListUsers', 'BatchGetUsers', 'ExportUsers', 'ImportUsers', 'WatchUsers'];

test.each(requests)('lets a request of %s through only when protovalidate does, and nearly always then', (name) => {
  const { input, path } = methodOf(name);
  const codec = codecs.get(path);
  const property = fc.property(messages(input), (message) => {
    const bytes = toBinary(input, message);
    const valid = validator.validate(input, message).kind === 'valid';
    // What it cannot say for certain: lengths of texts beyond the basic plane.
    const plain = !/[\ud800-\udfff]/.test(
      JSON.stringify(message, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
    );
    const shapes = [message, fromBinary(input, bytes), codec?.decodeRequest(bytes) ?? {}];
    for (const shape of shapes) {
      const certain = isCertainlyValid(input, shape);
      expect(certain && !valid).toBe(false);
      expect(plain && valid && !certain).toBe(false);
    }
  });
  fc.assert(property, { numRuns: 2000 });
});

test('is not certain where it does not know a rule', () => {
  const { input } = methodOf('UpdateUser'); // which has a field mask
  expect(isCertainlyValid(input, create(input))).toBe(false);
});

test('lets names through on its own, and the same characters as protovalidate', () => {
  const { input } = methodOf('CreateUser');
  const codes = [0, 0x600, 0x2000, 0xfff0].flatMap((from) => Array.from({ length: 0x80 }, (_, at) => from + at));
  const differing = [...codes, 0xd7ff, 0xe000, 0x1f600].filter((code) => {
    const message = fromJson(input, { user: { name: `a${String.fromCodePoint(code)}b` } });
    return isCertainlyValid(input, message) !== (validator.validate(input, message).kind === 'valid');
  });
  expect(differing).toEqual([]);
  expect(isCertainlyValid(input, fromJson(input, { user: { name: 'Ada \u0416' } }))).toBe(true);
});
