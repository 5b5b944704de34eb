import {
  create,
  type DescField,
  type DescMessage,
  fromBinary,
  type JsonValue,
  type Message,
  ScalarType,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { rollcallContract } from '@rollcall/proto';
import { testingContract } from '@rollcall/contract/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ResponseTexts } from '../../src/response/text.ts';

/** All messages of the contracts that can be written at once. */
const messages = [rollcallContract, testingContract]
  .flatMap(({ registry }) => [...registry])
  .filter((desc) => desc.kind === 'message')
  .filter(({ typeName }) => /^(rollcall|testing)\./.test(typeName))
  .filter((desc) => ResponseTexts.of(desc, undefined, []) !== undefined);

const big = (signed: boolean) =>
  fc.oneof(fc.bigInt({ min: signed ? -(2n ** 63n) : 0n, max: 2n ** (signed ? 63n : 64n) - 1n }), fc.constant(0n));
const small = (signed: boolean) =>
  fc.integer({ min: signed ? -(2 ** 31) : 0, max: signed ? 2 ** 31 - 1 : 2 ** 32 - 1 });

function scalars(type: ScalarType): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.STRING:
      return fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('"', '\\', '\n', '\ufeffa', 'ü', ''));
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 20 });
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.FLOAT:
      return fc.float();
    case ScalarType.DOUBLE:
      return fc.double();
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return small(true);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return small(false);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return big(true);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return big(false);
  }
}

function values(field: DescField, depth: number): fc.Arbitrary<unknown> {
  if (field.message !== undefined) return messagesOf(field.message, depth - 1);
  if (field.enum !== undefined)
    return fc.oneof(fc.constantFrom(...field.enum.values.map(({ number }) => number)), small(true));
  return scalars(field.scalar);
}

/** Messages of a type, with some of their fields. */
function messagesOf(desc: DescMessage, depth: number): fc.Arbitrary<Message> {
  if (desc.typeName === 'google.protobuf.Timestamp') {
    const seconds = fc.oneof(fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }), fc.nat({ max: 5 }));
    const nanos = fc.constantFrom(0, 5_000_000, 120_000, 999_999_999, 7);
    return fc.record({ seconds: seconds.map(BigInt), nanos }).map((init) => create(desc, init as never));
  }
  const fields = desc.fields.filter((field) => field.message === undefined || depth > 0);
  const some = Object.fromEntries(
    fields.map((field) => {
      const value = values(field, depth);
      return [field.localName, field.fieldKind === 'list' ? fc.array(value, { maxLength: 4 }) : value];
    }),
  );
  return fc.record(some, { requiredKeys: [] }).map((init) => create(desc, init as never));
}

/** What the library for all of Protocol Buffers makes of a message; undefined when it refuses it. */
function asLibrary(desc: DescMessage, bytes: Uint8Array): string | undefined {
  try {
    return JSON.stringify(toJson(desc, fromBinary(desc, bytes), { alwaysEmitImplicit: true }));
  } catch {
    return undefined;
  }
}

describe('the text of a response', () => {
  it('is there for the messages that our services answer', () => {
    const names = messages.map(({ typeName }) => typeName);
    for (const name of ['rollcall.user.v1.User', 'rollcall.user.v1.ListUsersResponse', 'rollcall.access.v1.Token'])
      expect(names).toContain(name);
  });

  it.each(messages.map((desc) => [desc.typeName, desc] as const))('of %s is the library’s', (_, desc) => {
    const texts = ResponseTexts.of(desc, undefined, []);
    let written = 0;
    fc.assert(
      fc.property(messagesOf(desc, 2), (message) => {
        const bytes = Buffer.from(toBinary(desc, message));
        const text = texts?.write(bytes)?.text;
        if (text !== undefined) written += 1;
        expect(text ?? asLibrary(desc, bytes)).toBe(asLibrary(desc, bytes));
      }),
      { numRuns: 60 },
    );
    expect(written).toBeGreaterThan(0);
  });

  it.each(messages.map((desc) => [desc.typeName, desc] as const))(
    'of bytes like %s is the library’s, or left to it',
    (_, desc) => {
      const texts = ResponseTexts.of(desc, undefined, []);
      const mutated = fc
        .tuple(messagesOf(desc, 2), fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 3 }), fc.nat())
        .map(([message, changes, cut]) => {
          const bytes = Buffer.from(toBinary(desc, message));
          for (const [at, to] of changes) if (bytes.length > 0) bytes[at % bytes.length] = to;
          return bytes.subarray(0, cut % 3 === 0 ? cut % (bytes.length + 1) : bytes.length);
        });
      fc.assert(
        fc.property(mutated, (bytes) => {
          const library = asLibrary(desc, bytes);
          expect([library, undefined]).toContain(texts?.write(bytes)?.text);
        }),
        { numRuns: 100 },
      );
      expect(texts).toBeDefined();
    },
  );

  it('is left to the library where a message comes in two parts, or a text begins with a mark of the byte order', () => {
    const desc = rollcallContract.registry.getMessage('rollcall.user.v1.User');
    if (desc === undefined) throw new Error('the contract has no User');
    const texts = ResponseTexts.of(desc, undefined, []);
    const created = (...parts: number[]): number[] => [0x32, parts.length, ...parts];
    const two = Buffer.from([...created(8, 5), ...created(16, 64)]);
    const marked = Buffer.from([0x12, 4, 0xef, 0xbb, 0xbf, 0x61]);
    expect(texts?.write(Buffer.from(created(8, 5)))?.text).toBe(asLibrary(desc, Buffer.from(created(8, 5))));
    expect([texts?.write(two), texts?.write(marked)]).toEqual([undefined, undefined]);
  });

  it('knows the fields that headers are made of, and the one field that is the answer', () => {
    const output = rollcallContract.methods.get('/rollcall.user.v1.UserService/GetUser')?.output;
    const field = output?.fields[0];
    if (output === undefined || field?.message === undefined) throw new Error('GetUser answers something else');
    const texts = ResponseTexts.of(output, field, ['etag', 'id', 'age']);
    const user = create(field.message, { id: 7n, etag: 'a"b' });
    const response = create(output);
    reflect(output, response).set(field, reflect(field.message, user));
    const { text = '', head } = texts?.write(Buffer.from(toBinary(output, response))) ?? {};
    expect(head).toEqual({ etag: 'a"b', id: '7' });
    expect(JSON.parse(text) as JsonValue).toEqual(toJson(field.message, user, { alwaysEmitImplicit: true }));
    expect(texts?.write(Buffer.alloc(0))).toBeUndefined(); // there is no user, which is null
  });
});
