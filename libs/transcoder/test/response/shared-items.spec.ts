import { expect, test } from 'vitest';
import { SharedItems } from '../../src/response/shared-items.ts';

function counted() {
  const read: string[] = [];
  const shared = new SharedItems((bytes) => {
    read.push(bytes.toString());
    if (bytes.toString() === 'wrong') throw new Error('it is no message');
    return [bytes.toString()];
  });
  return { read, of: (text: string) => shared.of(Buffer.from(text)) };
}

test('reads the same message once, whoever it is for', () => {
  const { read, of } = counted();
  expect([of('one'), of('two'), of('one'), of('ü'), of('ü')]).toEqual([['one'], ['two'], ['one'], ['ü'], ['ü']]);
  expect(of('one')).toBe(of('one'));
  expect(read).toEqual(['one', 'two', 'ü']);
});

test('forgets messages, and remembers no large ones', () => {
  const { read, of } = counted();
  of('first');
  for (let index = 0; index < 64; index += 1) of(String(index));
  of('first');
  expect(read.filter((text) => text === 'first')).toHaveLength(2);
  const large = 'x'.repeat(4097);
  of(large);
  of(large);
  expect(read.filter((text) => text === large)).toHaveLength(2);
});

test('says each time that a message cannot be read', () => {
  const { of } = counted();
  expect(() => of('wrong')).toThrow('it is no message');
  expect(() => of('wrong')).toThrow('it is no message');
});
