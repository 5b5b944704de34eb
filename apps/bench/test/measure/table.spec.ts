import { expect, test } from 'vitest';
import { alternate, type Variant } from '../../src/measure/alternate.ts';
import type { Result } from '../../src/measure/bench.ts';
import { rowsOf } from '../../src/measure/rows.ts';
import { figure, tableOf } from '../../src/measure/table.ts';

/** A variant whose slices measure these values, and which writes its name down at each. */
function variant(name: string, values: readonly number[], calls: string[] = []): Variant {
  const left = [...values];
  return {
    name,
    slice() {
      calls.push(name);
      return Promise.resolve({ micros: left.shift() ?? 0 });
    },
  };
}

const schedule = { rounds: 4, sliceMs: 1, signal: new AbortController().signal };

async function result(): Promise<Result> {
  const variants = [variant('one', [999, 10, 20, 30]), variant('two', [999, 20, 40, 90])];
  const samples = await alternate(variants, schedule, () => undefined);
  return {
    bench: 'sample',
    metrics: ['micros'],
    baselines: ['one'],
    series: [{ inFlight: 8, samples }],
    notes: ['So.'],
  };
}

test('lets the variants take turns, each round starting with another one', async () => {
  const calls: string[] = [];
  const rounds: number[] = [];
  const variants = ['a', 'b', 'c'].map((name) => variant(name, [], calls));
  await alternate(variants, schedule, (round) => rounds.push(round));
  expect(calls.join('')).toBe('abcbcacababc');
  expect(rounds).toEqual([1, 2, 3, 4]);
});

test('stops between two slices when it is interrupted', async () => {
  const interrupted = new AbortController();
  const calls: string[] = [];
  const last: Variant = {
    name: 'b',
    slice() {
      interrupted.abort(new Error('interrupted'));
      return Promise.resolve({});
    },
  };
  const run = alternate(
    [variant('a', [], calls), last, variant('c', [], calls)],
    { ...schedule, signal: interrupted.signal },
    () => undefined,
  );
  await expect(run).rejects.toThrow('interrupted');
  expect(calls).toEqual(['a']);
});

test('writes a row for each figure, without the round that warms up', async () => {
  expect(rowsOf(await result())).toEqual([
    { bench: 'sample', variant: 'one', inFlight: 8, metric: 'micros', median: 20, iqr: 10 },
    { bench: 'sample', variant: 'two', inFlight: 8, metric: 'micros', median: 40, iqr: 35 },
  ]);
});

test('prints medians, and the ratios of the rounds', async () => {
  expect(tableOf(await result()).split('\n')).toEqual([
    'sample, 8 in flight: median of 3 rounds (interquartile range)',
    '                micros',
    '  one      20.0 (10.0)',
    '  two      40.0 (35.0)',
    '  × one',
    '    two   2.00 (0.500)',
    '',
    '- So.',
  ]);
});

test.each([
  [Number.NaN, '–'],
  [Infinity, '–'],
  [0, '0'],
  [0.01234, '0.0123'],
  [0.9876, '0.988'],
  [9.876, '9.88'],
  [98.76, '98.8'],
  [33_333.3, '33,333'],
])('writes %d as %s', (value, text) => {
  expect(figure(value)).toBe(text);
});
