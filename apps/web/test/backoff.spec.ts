import { expect, test } from 'vitest';
import { backoffMs } from '../src/calls/backoff.ts';

test('waits longer each time, up to a bound, and not all at once', () => {
  expect([0, 1, 2, 5, 1000].map((failures) => backoffMs(failures, () => 1))).toEqual([500, 1000, 2000, 8000, 8000]);
  expect(backoffMs(2, () => 0)).toBe(1000);
});
