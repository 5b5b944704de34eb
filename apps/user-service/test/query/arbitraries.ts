import * as fc from 'fast-check';
import { user } from '@rollcall/proto';
import type { TestUser } from './users.ts';

/** Characters in which case, composition, code point order or wildcards may go wrong. */
const characters = fc.constantFrom(
  'a\u0308',
  '\u0308',
  '\u{1f600}',
  '\uff5e',
  '\ud7ff',
  '\ue000',
  '\u{10ffff}',
  ...Array.from('aAbäÄßẞİiΣσςﬁf½ %_-."\'\\*'),
);

const words = fc.array(characters, { maxLength: 4 }).map((parts) => parts.join(''));

const timesMs = fc.integer({ min: 1, max: 4 }).map((quarter) => quarter * 250);

const types = fc.constantFrom(
  ...Object.values(user.UserType).filter((type) => typeof type === 'number' && type !== user.UserType.UNRECOGNIZED),
) as fc.Arbitrary<user.UserType>;

const unset = fc.constant(undefined);

/** Users whose values often coincide, by id. */
export const testUsers: fc.Arbitrary<TestUser[]> = fc
  .uniqueArray(
    fc.record({
      id: fc.integer({ min: 1, max: 30 }),
      name: fc.oneof(words, fc.constantFrom('Ada', 'ada', 'Ada B')),
      email: fc.oneof(fc.constant(''), words),
      age: fc.oneof(unset, fc.integer({ min: 0, max: 5 })),
      type: types,
      createTimeMs: timesMs,
      updateTimeMs: timesMs,
      deleteTimeMs: fc.oneof(unset, timesMs),
      purgeTimeMs: fc.oneof(unset, timesMs),
    }),
    { selector: ({ id }) => id, maxLength: 12 },
  )
  // None of the live users has a time to be purged.
  .map((users) => users.map((one) => ({ ...one, purgeTimeMs: one.deleteTimeMs && one.purgeTimeMs })))
  .map((users) => users.toSorted((a, b) => a.id - b.id));

const comparators = fc.constantFrom('=', '!=', '<', '>', '<=', '>=');

function quoted(text: string): string {
  return `"${text.replaceAll(/[\\"*]/g, String.raw`\$&`)}"`;
}

/** A text with or without wildcards. */
const patterns = fc
  .tuple(words, fc.boolean(), fc.boolean())
  .map(([text, start, end]) => `"${start ? '*' : ''}${quoted(text).slice(1, -1)}${end ? '*' : ''}"`);

const textFields = fc.constantFrom('name', 'email');
const timeFields = fc.constantFrom('create_time', 'updateTime', 'delete_time', 'purgeTime');

const times = fc
  .tuple(timesMs, fc.constantFrom('', '0001', '999999'))
  .map(([ms, below]) => `${new Date(ms).toISOString().slice(0, -1)}${below}Z`);

const comparisons = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(textFields, fc.constantFrom('=', '!=', ':'), patterns) },
  fc.tuple(textFields, comparators, words.map(quoted)),
  fc.tuple(fc.constantFrom('id', 'age'), comparators, fc.integer({ min: 0, max: 30 }).map(String)),
  fc.tuple(fc.constant('age'), comparators, fc.integer({ min: -2, max: 5 }).map(String)),
  fc.tuple(fc.constant('type'), fc.constantFrom('=', '!='), fc.constantFrom('GUEST', 'USER_TYPE_NORMAL', '2')),
  fc.tuple(timeFields, comparators, times),
  fc.tuple(fc.oneof(textFields, timeFields, fc.constantFrom('id', 'age')), fc.constant(':'), fc.constant('*')),
  patterns.map((pattern) => [pattern]),
);

const { expression } = fc.letrec<{ expression: string; term: string }>((tie) => ({
  expression: fc
    .array(fc.tuple(tie('term'), fc.constantFrom(' ', ' AND ', ' OR ')), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.map(([term, by], index) => (index === 0 ? '' : by) + term).join('')),
  term: fc
    .tuple(
      fc.constantFrom('', '', 'NOT ', '-'),
      fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        comparisons.map((parts) => parts.join(' ')),
        tie('expression').map((inner) => `(${inner})`),
      ),
    )
    .map((parts) => parts.join('')),
}));

/** Filters of every kind that the language has. */
export const filterTexts = expression;

/** Orders by some of the fields. */
export const orderTexts = fc
  .uniqueArray(
    fc.tuple(
      fc.constantFrom('id', 'name', 'email', 'age', 'type', 'create_time', 'updateTime', 'delete_time', 'purge_time'),
      fc.constantFrom('', ' asc', ' desc'),
    ),
    { selector: ([field]) => field, maxLength: 4 },
  )
  .map((fields) => fields.map((parts) => parts.join('')).join(', '));
