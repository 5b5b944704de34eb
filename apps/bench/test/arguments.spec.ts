import { expect, test } from 'vitest';
import { readArguments, usage } from '../src/arguments.ts';
import type { Bench } from '../src/measure/bench.ts';

const benches: Bench[] = ['gateway-get', 'gateway-create', 'validate'].map((name) => ({
  name,
  summary: `about ${name}`,
  run: () => Promise.reject(new Error('not in this test')),
}));

const namesOf = (...words: string[]): string[] => readArguments(words, benches).benches.map(({ name }) => name);

test('runs all benches when none is named', () => {
  expect(namesOf()).toEqual(['gateway-get', 'gateway-create', 'validate']);
});

test('runs the benches that are named, each once, in their own order', () => {
  expect(namesOf('validate', 'gateway-get', 'validate')).toEqual(['gateway-get', 'validate']);
});

test('takes the start of a name for all benches that go on with a hyphen', () => {
  expect(namesOf('gateway')).toEqual(['gateway-get', 'gateway-create']);
});

test.each(['nothing', 'gate', 'gateway-', ''])('says which benches there are when "%s" is none', (name) => {
  expect(() => namesOf(name)).toThrow(`there is no bench "${name}"; there are gateway-get, gateway-create, validate`);
});

test('names an option that it does not know', () => {
  expect(() => namesOf('--fast')).toThrow("Unknown option '--fast'");
});

test('reads its options', () => {
  const asked = readArguments(['validate', '--json', 'rows.json'], benches);
  expect(asked).toMatchObject({ json: 'rows.json', help: false });
  expect(readArguments([], benches)).toMatchObject({ json: undefined });
});

test('takes short slices and few rounds when it is to be quick', () => {
  const quick = readArguments(['--quick'], benches);
  const usual = readArguments([], benches);
  expect(quick.rounds * quick.sliceMs).toBeLessThan((usual.rounds * usual.sliceMs) / 10);
});

test('lists every bench in its usage', () => {
  for (const { summary } of benches) expect(usage(benches)).toContain(summary);
});
