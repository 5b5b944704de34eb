import { expect, test } from 'vitest';
import { compareText, nameKey, textBehindPrefix } from '../../src/query/text-keys.ts';

test('knows where the texts with a prefix end', () => {
  expect(textBehindPrefix('ad')).toBe('ae');
  expect(textBehindPrefix('a\u{1f600}')).toBe('a\u{1f601}');
  expect(textBehindPrefix('a\ud7ff')).toBe('a\ue000');
  expect(textBehindPrefix('a\u{10ffff}\u{10ffff}')).toBe('b');
  expect(textBehindPrefix('\u{10ffff}')).toBeUndefined();
  expect(textBehindPrefix('')).toBeUndefined();
});

test('orders by code point', () => {
  expect(['\u{1f600}', '\ue000', 'b', 'a', ''].toSorted(compareText)).toEqual(['', 'a', 'b', '\ue000', '\u{1f600}']);
});

test('makes the key of a part a part of the key', () => {
  expect(nameKey('ΣΑΣΑ')).toContain(nameKey('ΣΑΣ'));
});
