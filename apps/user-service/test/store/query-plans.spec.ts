import { readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { CompiledQuery, sql } from 'kysely';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { emailKey } from '../../src/query/text-keys.ts';
import { parseFilter } from '../../src/query/filter/parser.ts';
import { parseOrder } from '../../src/query/order.ts';
import { changesBehind } from '../../src/store/changes/log.ts';
import type { Engine } from '../../src/store/engine/engine.ts';
import { NodeSqlite, SqliteWriter } from '@rollcall/sqlite';
import { encodeUser } from '../../src/store/users/logged-user.ts';
import { newRow } from '../../src/store/users/rows.ts';
import type { Key } from '../../src/store/users/orders.ts';
import { UserPages } from '../../src/store/users/pages.ts';
import type { UsersStore } from '../../src/store/users.store.ts';
import { testedEngine } from '../engines.ts';
import { openStore } from '../service.ts';

// How the engines carry out what the store asks of them, in golden files that change only with UPDATE_GOLDEN=1.

/** So many users that a plan pays off or does not, and few enough that PostgreSQL's statistics are of all of them. */
const userCount = 20_000;

let opened: Awaited<ReturnType<typeof openStore>>;
let store: UsersStore;
let engine: Engine;

beforeAll(async () => {
  opened = await openStore();
  ({ store, engine } = opened);
  const numbers =
    engine.name === 'sqlite'
      ? sql`(with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${userCount}) select n from numbers)`
      : sql`(select n from generate_series(1, ${userCount}::int) as series (n))`;
  await sql`
    insert into users
    select n, 'User ' || n * 7919 % 20011, 'user ' || n * 7919 % 20011, 'u' || n || '@example.com', 'u' || n || '@example.com',
      n % 100 - 1, case when n % 20 = 0 then 2 else 1 end, 1700000000000 + n * 7919 % 20011, 1710000000000 + n * 7919 % 20011,
      case when n % 25 = 0 then 1720000000000 + n else 0 end, case when n % 25 > 0 then 0 when n < 1000 then 1 else 9000000000000 + n end
    from ${numbers} as numbers`.execute(engine.db);
  const after = encodeUser(newRow(1n, { name: 'Ada', email: '', age: undefined, type: 1 }, 1n));
  // A few of them have had their time.
  const timeMs = sql`case when n <= 100 then 1 else ${sql.lit(Date.now())} end`;
  await sql`
    insert into changes select n, 2, ${Buffer.alloc(0)}, ${after}, ${timeMs} from ${numbers} as numbers`.execute(
    engine.db,
  );
  await sql`
    insert into request_ids select 'request ' || n, ${after}, ${after}, ${timeMs} from ${numbers} as numbers`.execute(
    engine.db,
  );
  await sql`update counters set value = ${userCount} where name = 'change'`.execute(engine.db);
  await sql`
    insert into audit select n, n, n % 99, case when n % 20 = 0 then 1 else 0 end, ${after}, ${after}
    from ${numbers} as numbers order by n`.execute(engine.db);
  if (engine.name === 'postgres') await sql`vacuum (analyze)`.execute(engine.db);
});
afterAll(() => opened[Symbol.asyncDispose]());

/** A statement as it went to the engine. */
interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** The statements on tables of the directory that some work sends. */
async function statementsOf(work: () => Promise<unknown>): Promise<Statement[]> {
  const spies = [vi.spyOn(NodeSqlite.prototype, 'prepare'), vi.spyOn(Client.prototype, 'query')];
  const written = vi.spyOn(SqliteWriter.prototype, 'run');
  await work();
  const statements = spies.flatMap((spy) => {
    const calls = spy.mock.calls as unknown as [Statement | string, unknown][];
    spy.mockRestore();
    return calls.map(([first, values]) =>
      typeof first === 'string'
        ? { text: first, values: Array.isArray(values) ? values : [] }
        : { text: first.text, values: first.values },
    );
  });
  for (const [request] of written.mock.calls)
    if (request.kind === 'statement') statements.push({ text: request.sql, values: [] });
  written.mockRestore();
  const ofDirectory = statements.filter(({ text }) => /\b(users|changes|request_ids|counters|audit)\b/.test(text));
  return [...new Map(ofDirectory.map((statement) => [statement.text, statement])).values()];
}

/** How the engine carries out a statement, a line per step. PostgreSQL keeps plans for any values, and those for the values at hand. */
async function planOf({ text, values }: Statement): Promise<string[]> {
  if (engine.name === 'sqlite') {
    const { rows } = await engine.db.executeQuery<{ id: bigint; parent: bigint; detail: string }>(
      CompiledQuery.raw(`explain query plan ${text}`),
    );
    const depths = new Map<bigint, number>([[0n, 0]]);
    return rows.map(({ id, parent, detail }) => {
      const depth = (depths.get(parent) ?? 0) + 1;
      depths.set(id, depth);
      return `${'  '.repeat(depth)}${detail}`;
    });
  }
  return engine.db.connection().execute(async (db) => {
    const explained = async (statement: CompiledQuery<Record<string, string>>): Promise<string[]> =>
      (await db.executeQuery(statement)).rows.map((row) => `  ${row['QUERY PLAN']}`);
    const custom = await explained(CompiledQuery.raw(`explain (costs off) ${text}`, [...values]));
    if (values.length === 0) return custom;
    await sql`set plan_cache_mode = force_generic_plan`.execute(db);
    await sql.raw(`prepare any_values as ${text}`).execute(db);
    const nulls = values.map(() => 'null').join(', ');
    const generic = await explained(CompiledQuery.raw(`explain (costs off) execute any_values (${nulls})`));
    await sql`deallocate any_values`.execute(db);
    await sql`reset plan_cache_mode`.execute(db);
    const forValues = custom.map(withoutValues);
    return forValues.join() === generic.map(withoutValues).join()
      ? generic
      : ['for these values:', ...forValues, 'for any values:', ...generic];
  });
}

/** The same line with whatever stands in the place of a value left out. */
function withoutValues(line: string): string {
  return line.replaceAll(/\$\d+|'(?:[^'{]|\{[^}]*\})*'(?:::\w+(?:\[\])?)?/g, '?');
}

/** The plans of the statements, as text to be kept. */
async function plansOf(title: string, work: () => Promise<unknown>): Promise<string> {
  const parts = [`# ${title}`];
  for (const statement of await statementsOf(work)) {
    const shown = statement.text.replaceAll(/\s+/g, ' ').trim();
    parts.push(shown, ...(await planOf(statement)));
  }
  return `${parts.join('\n')}\n`;
}

function expectGolden(name: string, text: string): void {
  const golden = new URL(`../golden/${name}.${testedEngine}.txt`, import.meta.url);
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(new URL('../golden/', import.meta.url), { recursive: true });
    writeFileSync(golden, text);
  }
  expect(text).toBe(readFileSync(golden, 'utf8'));
}

const orders = ['id', 'name', 'email', 'age', 'type', 'create_time', 'update_time'].flatMap((field) => [
  field,
  `${field} desc`,
]);
const filters = ['id = 7000', 'name = "User 7000"', 'email = "u7000@example.com"', 'type = ADMINISTRATOR'];

/** What would look at more of the directory than a page. */
const looksAtAll = /USE TEMP B-TREE|CO-ROUTINE|Sort|Seq Scan|Bitmap|Filter: (?!\((?:delete_time_ms = 0|name = .*)\)$)/m;

describe('a page of the list', () => {
  const page = async (filter: string, orderBy: string): Promise<string> => {
    const order = parseOrder(orderBy);
    const read = (behind?: Key) => () =>
      store.pages.read({ filter: parseFilter(filter), order, showDeleted: false }, behind, 51);
    const [row] = await store.pages.read({ filter: parseFilter(''), order, showDeleted: false }, undefined, 1);
    if (row === undefined) throw new Error('there is no user');
    // Nobody is left in the segment of the key itself: so that the next one is read too.
    const title = [filter, orderBy].filter((part) => part !== '').join(', by ');
    return [
      await plansOf(`${title}: first page`, read()),
      await plansOf(`${title}: behind a key`, read(UserPages.keyOf(row, order))),
    ].join('\n');
  };

  test('follows an index in every documented order, and sorts nothing', async () => {
    let text = '';
    for (const order of orders) text += `${await page('', order)}\n`;
    expectGolden('list-orders', text);
    expect(text).not.toMatch(looksAtAll);
  });

  test('is found by an index when the filter names an indexed field', async () => {
    let text = '';
    for (const filter of filters) text += `${await page(filter, 'id')}\n`;
    expectGolden('list-filters', text);
    expect(text).not.toMatch(looksAtAll);
  });
});

test('finds users, changes and what is to be removed by an index', async () => {
  const ids = Array.from({ length: 20 }, (_, index) => String(index * 3 + 1));
  const emailKeys = ids.map((id) => emailKey(`U${id}@example.com`));
  const plans: [title: string, work: () => Promise<unknown>][] = [
    ['one user', () => store.find(['7000'])],
    ['users by their ids', () => store.find(ids)],
    ['the live ones of some ids', () => store.findLiveIds(ids)],
    ['a user by address', () => store.findByEmail('u7000@example.com')],
    ['a user by name', () => store.findByName('User 7000')],
    ['what a write has to know', () => store.load({ ids: ids.map(BigInt), emailKeys, requestIds: ['request'] })],
    ['the last change', () => store.feed.last()],
    ['changes behind one', () => changesBehind(engine.db, 7000n, 500)],
    ['a page of an export', () => store.pages.readBehind(7000n, parseFilter(''))],
    ['a page of a snapshot', () => store.snapshots.read(7000n, 200)],
    ['what is to be removed', () => store.maintenance.run()],
  ];
  let text = '';
  for (const [title, work] of plans) text += `${await plansOf(title, work)}\n`;
  expectGolden('reads', text);
  expect(text).not.toMatch(/SCAN (users|changes|request_ids)|Seq Scan on (users|changes|request_ids)/);
});

test('finds the entries of the audit log by an index, whichever are asked for', async () => {
  let text = '';
  for (const callerId of [0n, 7n])
    for (const deniedOnly of [false, true]) {
      const title = [callerId === 0n ? 'all' : 'of a caller', ...(deniedOnly ? ['denied'] : [])].join(', ');
      const query = { callerId, deniedOnly };
      text += `${await plansOf(`${title}: first page`, () => store.audit.page(query, undefined, 3))}\n`;
      text += `${await plansOf(`${title}: behind an entry`, () => store.audit.page(query, 7000n, 3))}\n`;
    }
  expect(text).not.toMatch(/SCAN/);
  text += await plansOf('the last entry', () => store.audit.head());
  expectGolden('audit', text);
  expect(text).not.toMatch(looksAtAll);
});
