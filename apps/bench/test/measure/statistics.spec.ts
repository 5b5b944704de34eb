import { expect, test } from 'vitest';
import { quantile, ratioSpread, spread } from '../../src/measure/statistics.ts';

test('interpolates a quantile between neighbours', () => {
  expect(quantile([10, 20, 30, 40], 0)).toBe(10);
  expect(quantile([10, 20, 30, 40], 0.5)).toBe(25);
  expect(quantile([10, 20, 30, 40], 0.75)).toBe(32.5);
  expect(quantile([10, 20, 30, 40], 1)).toBe(40);
  expect(quantile([7], 0.99)).toBe(7);
});

test('has no quantile of no values', () => {
  expect(() => quantile([], 0.5)).toThrow('there is no quantile of no values');
});

test('finds median and interquartile range in values of any order', () => {
  expect(spread([5, 1, 4, 2, 3])).toEqual({ median: 3, iqr: 2 });
  expect(spread([1, 100])).toEqual({ median: 50.5, iqr: 49.5 });
});

test('sorts by number, not by text', () => {
  expect(spread([9, 10, 100]).median).toBe(10);
});

test('compares values of the same round, so that a slow round slows both sides of a ratio', () => {
  expect(ratioSpread([20, 2000, 40], [10, 1000, 20])).toEqual({ median: 2, iqr: 0 });
});

test('refuses to compare other rounds', () => {
  expect(() => ratioSpread([1, 2], [1])).toThrow('two values of each round');
});
