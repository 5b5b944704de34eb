import { expect, test } from 'vitest';
import { RateLimit } from '../../src/rates/rate-limit.ts';

test('lets a burst through, not one more, and then so many a second', () => {
  let now = 0;
  const limit = new RateLimit({ burst: 3, perSecond: 2 }, () => now);
  expect([limit.take('a'), limit.take('a'), limit.take('a'), limit.take('a')]).toEqual([0, 0, 0, 500]);
  now = 400;
  expect(limit.take('a')).toBeCloseTo(100, -1);
  now = 500;
  expect([limit.take('a'), limit.take('a')]).toEqual([0, 500]);
  now = 1_000_000;
  expect([limit.take('a'), limit.take('a'), limit.take('a'), limit.take('a')]).toEqual([0, 0, 0, 500]);
});

test('counts each key by itself, and takes nothing when it only looks', () => {
  const limit = new RateLimit({ burst: 1, perSecond: 1 }, () => 0);
  expect([limit.wait('a'), limit.wait('a'), limit.take('a'), limit.wait('a'), limit.take('b')]).toEqual([
    0, 0, 0, 1000, 0,
  ]);
});

test('keeps a bounded number of keys, and forgets the one that was used longest ago', () => {
  const limit = new RateLimit({ burst: 1, perSecond: 0.001 }, () => 0);
  limit.take('first');
  limit.take('second');
  for (let key = 0; key < 99_998; key += 1) limit.take(`${key}`);
  expect(limit.wait('first')).toBeGreaterThan(0); // which is a use
  limit.take('one more');
  expect(limit.wait('second')).toBe(0);
  expect(limit.wait('first')).toBeGreaterThan(0);
});
