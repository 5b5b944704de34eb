import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseJsonObject } from '../../../src/access/oidc/strict-json.ts';

const parse = (text: string) => parseJsonObject(Buffer.from(text));

/** JSON of any shape, with names that look like other parts of it. */
const { tree: anyJson } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5 },
    fc.oneof(
      fc.string({ unit: fc.constantFrom('"', '\\', ':', '{', '}', '[', ']', ',', ' ', 'a', '\n') }),
      fc.double(),
    ),
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: fc.constantFrom('"', '\\', ':', '{', ' ', 'a', '_') }), tie('tree'), {
      maxKeys: 4,
    }),
  ),
}));

test('reads whatever JSON.stringify writes, as JSON.parse does', () => {
  fc.assert(
    fc.property(anyJson, fc.constantFrom(undefined, 1, '\t'), (value, space) => {
      const text = JSON.stringify({ value }, undefined, space);
      expect(parse(text)?.get('value')).toEqual((JSON.parse(text) as { value: unknown }).value);
    }),
  );
});

test('refuses a member that is there twice, wherever the object lies', () => {
  fc.assert(
    fc.property(anyJson, fc.string({ unit: fc.constantFrom('"', '\\', ':', 'a', 'é') }), (value, name) => {
      const member = (key: string) => `${key}:${JSON.stringify(value)}`;
      const escaped = `"${Array.from(name, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`;
      const plain = JSON.stringify(name);
      expect(parse(`{"x":[{"y":{${member(plain)}, "other\\"":1, ${member(escaped)}}}]}`)).toBeUndefined();
      expect(parse(`{"x":[{${member(plain)}},{${member(escaped)}}]}`)).toBeDefined();
    }),
  );
});

test('finds nothing that is not there', () => {
  const claims = parse('{"__proto__":{"admin":true}}');
  expect(claims?.get('constructor')).toBeUndefined();
  expect(claims?.get('admin')).toBeUndefined();
  expect(claims?.get('__proto__')).toEqual({ admin: true });
});

test('takes 16 levels, and not 17', () => {
  const deep = (levels: number) => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
  expect(parse(deep(16))).toBeDefined();
  expect(parse(deep(17))).toBeUndefined();
});
