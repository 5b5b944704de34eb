import { user } from '@rollcall/proto';
import * as fc from 'fast-check';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { matches } from '../../../src/query/filter/match.ts';
import { parseFilter } from '../../../src/query/filter/parser.ts';
import { filterExpression } from '../../../src/query/filter/sql.ts';
import { filterTexts, testUsers } from '../arbitraries.ts';
import { openUsers, toMessage } from '../users.ts';

test('lets the same users through in the database as in memory', async () => {
  await using users = await openUsers();
  let through = 0;
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(testUsers, fc.array(filterTexts, { minLength: 1, maxLength: 10 }), async (stored, texts) => {
      await users.replaceWith(stored);
      for (const text of texts) {
        const filter = parseFilter(text);
        const rows = users.db.selectFrom('users').select('id').where(filterExpression(filter)).orderBy('id');
        const found = (await rows.execute()).map(({ id }) => String(id));
        const expected = stored.map(toMessage).filter((message) => matches(filter, message));
        expect({ text, found }).toEqual({ text, found: expected.map(({ id }) => id) });
        through += found.length;
        compared += stored.length;
      }
    }),
    { numRuns: 400 },
  );
  // Filters that let everyone or no one through would prove little.
  expect(through / compared).toBeGreaterThan(0.2);
  expect(through / compared).toBeLessThan(0.8);
});

test('finds a name, the start of a name and the start of a search without a scan', async () => {
  await using users = await openUsers();
  for (const [filter, range] of [
    ['name = Ada', 'name_key=?'],
    ['name = "Ad*"', 'name_key>? AND name_key<?'],
    ['name:ad*', 'name_key>? AND name_key<?'],
    ['name > ada', 'name_key>?'],
  ] as const) {
    const query = users.db
      .selectFrom('users')
      .selectAll()
      .where(filterExpression(parseFilter(filter)));
    const plan = await query.explain<{ detail: string }>(undefined, sql`query plan`);
    expect(plan.map(({ detail }) => detail)).toEqual([`SEARCH users USING INDEX users_name_key (${range})`]);
  }
});

test('finds parts of names, also where they have the wildcards of LIKE', async () => {
  await using users = await openUsers();
  await users.replaceWith([
    { id: 1, name: '100%' },
    { id: 2, name: '100 days' },
    { id: 3, name: 'a_b' },
    { id: 4, name: 'a-b' },
    { id: 5, name: 'ÄRGER' },
    { id: 6, name: 'b' },
  ]);
  for (const [filter, ids] of [
    ['name:"0%"', [1n]],
    ['name:a_b', [3n]],
    ['name = *_b', [3n]],
    ['name:ärger', [5n]],
    ['name:a*', [3n, 4n]],
    ['name = a*', [3n, 4n]],
  ] as const) {
    const found = users.db
      .selectFrom('users')
      .select('id')
      .where(filterExpression(parseFilter(filter)))
      .orderBy('id');
    expect((await found.execute()).map(({ id }) => id)).toEqual(ids);
  }
});

test('gives the database the longest and the deepest filter there can be', async () => {
  await using users = await openUsers();
  await users.replaceWith([{ id: 1, age: 36, type: user.UserType.USER_TYPE_GUEST }]);
  for (const filter of [
    `${'-(age:* OR (ada '.repeat(32)}${'))'.repeat(32)}`,
    `${'(NOT '.repeat(64)}ada${')'.repeat(64)}`,
    'ada OR '.repeat(99) + 'ada',
  ]) {
    const found = users.db
      .selectFrom('users')
      .selectAll()
      .where(filterExpression(parseFilter(filter)));
    expect(await found.execute()).toHaveLength(matches(parseFilter(filter), toMessage({ id: 1, age: 36 })) ? 1 : 0);
  }
});
