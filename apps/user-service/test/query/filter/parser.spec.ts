import { RpcError } from '@rollcall/grpc';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseFilter } from '../../../src/query/filter/parser.ts';
import type { Filter } from '../../../src/query/filter/filter.ts';

/** A filter with all its parentheses; a number comparison as its field and value. */
function shown(filter: Filter): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return `(${filter.filters.map(shown).join(` ${filter.kind} `)})`;
    case 'not':
      return `not ${shown(filter.filter)}`;
    case 'present':
      return `${filter.field.name}:*`;
    case 'number':
      return `${filter.field.name}${filter.operator}${filter.value}`;
    case 'order':
      return `${filter.field.name}${filter.operator}${filter.key}`;
    case 'text':
      return `${filter.field.name}~${filter.key}`;
  }
}

test.each([
  ['age=1 AND age=2 OR age=3', '(age=1 and (age=2 or age=3))'],
  ['age=1 OR age=2 AND age=3', '((age=1 or age=2) and age=3)'],
  ['age=1 age=2 OR age=3 AND age=4', '(age=1 and (age=2 or age=3) and age=4)'],
  ['age=1 OR (age=2 AND age=3)', '(age=1 or (age=2 and age=3))'],
  ['((age=1))', 'age=1'],
  ['NOT age=1 AND age=2', '(not age=1 and age=2)'],
  ['NOT age=1 OR age=2', '(not age=1 or age=2)'],
  ['NOT (age=1 OR age=2)', 'not (age=1 or age=2)'],
  ['NOT(age=1)age=2', '(not age=1 and age=2)'],
  ['-age:* OR -(age=1)', '(not age:* or not age=1)'],
  ['age=-1', 'age=-1'],
  ['  age\t=\n1  ', 'age=1'],
  ['name:ada-lovelace', 'name~ada-lovelace'],
  ['ada OR grace', '((name~ada or email~ada) or (name~grace or email~grace))'],
  ['"and" "OR"', '((name~and or email~and) and (name~or or email~or))'],
  ['createTime>1970-01-01T00:00:01Z', 'create_time>1000'],
  ['name', '(name~name or email~name)'],
])('reads %s as %s', (filter, expected) => {
  expect(shown(parseFilter(filter))).toBe(expected);
});

/** The one violation with which a filter is refused. */
function refusal(filter: string): { field: string; description: string; reason: string } {
  try {
    parseFilter(filter);
  } catch (error) {
    if (error instanceof RpcError && error.reason === 'INVALID_FIELD' && error.details.violations?.length === 1) {
      const [violation] = error.details.violations;
      if (violation !== undefined) return violation;
    }
    throw error;
  }
  throw new Error(`${filter} was read`);
}

test.each([
  ['syntax', 'age = ', 'the end at position 7 comes where a value is expected'],
  ['syntax', 'age = (30)', '"(" at position 7 comes where a value is expected'],
  ['syntax', 'name = NOT', '"NOT" at position 8 comes where a value is expected'],
  ['syntax', 'age == 30', '"=" at position 6 comes where a value is expected'],
  ['syntax', '()', '")" at position 2 comes where a comparison is expected'],
  ['syntax', 'AND age = 30', '"AND" at position 1 comes where a comparison is expected'],
  ['syntax', 'NOT NOT ada', '"NOT" at position 5 comes where a comparison is expected'],
  ['syntax', 'ada OR', 'the end at position 7 comes where a comparison is expected'],
  ['syntax', '(ada', 'the end at position 5 comes where ) is expected'],
  ['syntax', 'ada)', '")" at position 4 comes where AND, OR or the end is expected'],
  ['syntax', 'age = 30 = 31', '"=" at position 10 comes where AND, OR or the end is expected'],
  ['syntax', '- ada', '"-" at position 1 has to stand right before what it negates'],
  [
    'syntax',
    'ada and grace',
    '"and" at position 5 is no operator: write it in capitals, or in quotes to search for it',
  ],
  ['syntax', '😀 "ada', '"ada at position 3 has no closing quote'],
  [
    'syntax',
    String.raw`name = "a\n"`,
    String.raw`"\n" at position 10 is no escape: a backslash stands before \, ", ' or * alone`,
  ],
  ['syntax', 'name = "a\0"', `"U+0000" at position 10 is a control character, which no field holds`],
  ['syntax', String.raw`name = a\*`, String.raw`"\" at position 9 has no meaning here: put the text in quotes`],
  ['syntax', 'ada, grace', '"," at position 4 has no meaning here: put the text in quotes'],
  ['syntax', '!ada', '"!" at position 1 has no meaning here: put the text in quotes'],
  ['syntax', "name = O'Brien", `"O" at position 8 has no space before what follows: put the whole in quotes`],
  ['syntax', '"ada"grace', '"ada" at position 1 has no space before what follows: put the whole in quotes'],
  ['syntax', 'now()', '"now" at position 1 is a function, and there are none'],
  ['field', 'ada colour = red', expect.stringMatching(/^"colour" at position 5 is no field: the fields are id, name,/)],
  ['field', '"age" = 3', expect.stringMatching(/^"age" at position 1 is no field/)],
  ['field', '__proto__ = 3', expect.stringMatching(/^"__proto__" at position 1 is no field/)],
  ['field', 'user.age = 3', expect.stringMatching(/^"user\.age" at position 1 is no field/)],
  ['operator', 'type < GUEST', '"<" at position 6 does not go with type: use = or !='],
  ['operator', 'type:*', '":" at position 5 does not go with type: use = or !='],
  ['operator', 'age:30', '":" at position 4 goes with * alone for age'],
  ['value', 'age = x', '"x" at position 7 is no whole number, which age is'],
  ['value', 'age = "30"', '"30" at position 7 is no whole number, which age is'],
  ['value', 'age = 30.5', '"30.5" at position 7 is no whole number, which age is'],
  ['value', 'age = *', '"*" at position 7 has a wildcard: only name and email take one'],
  ['value', 'id > -1', '"-1" at position 6 is out of range: id goes from 0 to 9223372036854775807'],
  ['value', 'id = 9223372036854775808', expect.stringMatching(/^"9223372036854775808" at position 6 is out of range/)],
  ['value', 'age < 2147483648', expect.stringMatching(/^"2147483648" at position 7 is out of range: age goes from -/)],
  [
    'value',
    'type = admin',
    expect.stringMatching(/^"admin" at position 8 is no type: the types are UNSPECIFIED, NORMAL, /),
  ],
  ['value', 'type = -1', expect.stringMatching(/^"-1" at position 8 is no type/)],
  ['value', 'type = UNRECOGNIZED', expect.stringMatching(/^"UNRECOGNIZED" at position 8 is no type/)],
  ['value', 'create_time > 2026-01-31', '"2026-01-31" at position 15 is no time such as 2026-01-31T12:00:00Z'],
  ['value', 'create_time > 2026-02-30T00:00:00Z', expect.stringContaining('at position 15 is no time')],
  ['value', 'create_time > 2026-01-31T24:00:00Z', expect.stringContaining('at position 15 is no time')],
  ['value', 'create_time > 2026-01-31t12:00:00z', expect.stringContaining('at position 15 is no time')],
  ['value', 'age = 036', expect.stringContaining('is no whole number')],
  ['value', 'create_time > 2026-01-31T12:00:00', expect.stringContaining('at position 15 is no time')],
  ['value', 'name < ada*', expect.stringMatching(/^"ada\*" at position 8 has a wildcard, which < does not take/)],
  ['limit', '('.repeat(4096), '"(" at position 65 lies in more than 64 parentheses'],
  ['limit', '-('.repeat(2048), '"(" at position 130 lies in more than 64 parentheses'],
  ['limit', 'a '.repeat(2048), '"a" at position 201 is one comparison too many: a filter has at most 100'],
  ['limit', 'a OR '.repeat(800), '"a" at position 501 is one comparison too many: a filter has at most 100'],
  ['value', `id = ${'9'.repeat(4000)}`, expect.stringContaining(`"${'9'.repeat(40)}…" at position 6 is out of range`)],
])('says which %s is wrong in %s', (fault, filter, description) => {
  expect(refusal(filter)).toEqual({ field: 'filter', description, reason: `filter.${fault}` });
});

test('reads parentheses 64 deep, and 100 comparisons, and refuses one more', () => {
  expect(shown(parseFilter(`${'('.repeat(64)}age=1${')'.repeat(64)}`))).toBe('age=1');
  expect(shown(parseFilter('age=1 '.repeat(100)))).toContain('age=1 and age=1');
  expect(refusal(`${'('.repeat(65)}age=1${')'.repeat(65)}`)).toMatchObject({ field: 'filter' });
  expect(refusal('age=1 '.repeat(101))).toMatchObject({ field: 'filter' });
});

/** Why a filter is refused; empty when it is read. */
function attempt(filter: string): string {
  try {
    parseFilter(filter);
    return '';
  } catch (error) {
    if (!(error instanceof RpcError) || error.reason !== 'INVALID_FIELD') throw error;
    return error.message;
  }
}

test('reads or refuses any text, and nothing else happens', () => {
  const words = [
    '(',
    ')',
    '"',
    "'",
    '\\',
    '-',
    '*',
    ':',
    '=',
    '!=',
    '<',
    ' ',
    'AND',
    'OR',
    'NOT',
    'age',
    'name',
    '3',
    '\0',
  ];
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 4096 }),
    fc
      .array(fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 2 })), { maxLength: 1000 })
      .map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (filter) => {
      expect(attempt(filter).length).toBeLessThan(400);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  '"'.repeat(4096),
  `"${'\\'.repeat(4094)}`,
  `"${'a'.repeat(4095)}`,
  '*'.repeat(4096),
  `name:"${'ﷺ'.repeat(4080)}"`,
])('answers hostile text at once', (filter) => {
  const before = process.threadCpuUsage();
  attempt(filter);
  const { user, system } = process.threadCpuUsage(before);
  expect(user + system).toBeLessThan(200_000); // microseconds of this thread, however busy the machine is
});
