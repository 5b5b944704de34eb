import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { scrollFor, windowOf } from '../src/directory/windowing.ts';

const at = { scrollTop: 0, viewHeight: 500, rowHeight: 50, count: 100_000 };

test('draws what can be seen, and little more', () => {
  expect(windowOf(at)).toEqual({ first: 0, end: 20 });
  expect(windowOf({ ...at, scrollTop: 50_010 })).toEqual({ first: 990, end: 1021 });
  expect(windowOf({ ...at, count: 3 })).toEqual({ first: 0, end: 3 });
  expect(windowOf({ ...at, count: 0 })).toEqual({ first: 0, end: 0 });
});

test('draws every row that can be seen, never one that is not there, and never many', () => {
  fc.assert(
    fc.property(fc.nat(6_000_000), fc.nat(3000), fc.nat(100_000), (scrollTop, viewHeight, count) => {
      const { first, end } = windowOf({ ...at, scrollTop, viewHeight, count });
      expect(first).toBeGreaterThanOrEqual(0);
      expect(end).toBeLessThanOrEqual(Math.max(first, count));
      expect(end - first).toBeLessThanOrEqual(viewHeight / 50 + 22);
      const top = Math.floor(scrollTop / 50);
      const bottom = Math.min(count, Math.ceil((scrollTop + viewHeight) / 50)) - 1;
      expect(top > bottom || (first <= top && bottom < end)).toBe(true);
    }),
  );
});

test('scrolls no further than it takes to show a row', () => {
  expect(scrollFor(5, { ...at, scrollTop: 100 }, 40)).toBe(100);
  expect(scrollFor(1, { ...at, scrollTop: 100 }, 40)).toBe(50);
  expect(scrollFor(20, { ...at, scrollTop: 100 }, 40)).toBe(21 * 50 - 500 + 40);
});
