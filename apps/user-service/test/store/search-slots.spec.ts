import { sql } from 'kysely';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { parseFilter } from '../../src/query/filter/parser.ts';
import { parseOrder } from '../../src/query/order.ts';
import { SearchSlots } from '../../src/store/users/search-slots.ts';
import { testedEngine } from '../engines.ts';
import { makeDatabase, openStore } from '../service.ts';

test('lets so many searches run at a time, and the next one when one of them ends, however it does', async () => {
  const slots = new SearchSlots(2);
  const begun: number[] = [];
  const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  const searches = gates.map(({ promise }, index) => slots.run(() => (begun.push(index), promise)).catch(String));
  await turn();
  expect(begun).toEqual([0, 1]);
  gates[1]?.reject(new Error('failed'));
  await turn();
  expect(begun).toEqual([0, 1, 2]);
  gates[0]?.resolve();
  await turn();
  expect(begun).toEqual([0, 1, 2, 3]);
  gates[2]?.resolve();
  gates[3]?.resolve();
  expect(await Promise.all(searches)).toEqual([undefined, 'Error: failed', undefined, undefined]);
});

test('ends a wait whose signal has fired with what it fired with, without a search', async () => {
  const slots = new SearchSlots(1);
  const gate = Promise.withResolvers<void>();
  const first = slots.run(() => gate.promise);
  const leaving = new AbortController();
  let begun = 0;
  const second = slots.run(() => Promise.resolve((begun += 1)), leaving.signal);
  const third = slots.run(() => Promise.resolve('third'));
  leaving.abort(new Error('gone'));
  gate.resolve();
  await expect(second).rejects.toThrow('gone');
  await first;
  expect([begun, await third]).toEqual([0, 'third']);
});

test('refuses searches of a caller who has too many under way', async () => {
  const slots = new SearchSlots(1);
  const gate = Promise.withResolvers<void>();
  const taken = Array.from({ length: 101 }, () => slots.run(() => gate.promise));
  await expect(slots.run(() => gate.promise)).rejects.toMatchObject({ reason: 'RATE_LIMITED' });
  gate.resolve();
  await Promise.all(taken);
});

test.runIf(testedEngine === 'postgres')(
  'leaves three quarters of the connections to all else, whatever is searched for',
  { timeout: 60_000 },
  async () => {
    await using database = await makeDatabase(); // with a pool of four
    if (database.engine !== 'postgres') throw new Error('it runs over PostgreSQL');
    await using opened = await openStore({}, database);
    await sql`
      insert into users select n, 'User ' || n, 'user ' || n, '', '', 1, 1, n, n, 0, 0
      from generate_series(1, 20000) as n`.execute(opened.engine.db);
    const nobody = Array.from({ length: 99 }, (_, index) => `name:"zq${index}x"`).join(' OR ');
    const query = { filter: parseFilter(nobody), order: parseOrder(''), showDeleted: false };
    let left = 6;
    const ended = async (search: Promise<unknown>): Promise<void> => {
      await search;
      left -= 1;
    };
    const searches = [
      ...Array.from({ length: 3 }, () => ended(opened.store.pages.count(query))),
      ...Array.from({ length: 3 }, () => ended(opened.store.pages.read(query, undefined, 10))),
    ];
    const client = new Client({ connectionString: database.url });
    await client.connect();
    const atOnce: number[] = [];
    let found = 0;
    while (left > 0) {
      const { rows } = await client.query<{ searching: string }>(
        `select count(*) as searching from pg_stat_activity
         where datname = current_database() and backend_type = 'client backend' and state = 'active'
           and query like '%from "users"%' and pid <> pg_backend_pid()`,
      );
      atOnce.push(Number(rows[0]?.searching));
      const { rows: users } = await sql`select id from users where id = 7`.execute(opened.engine.db);
      if (left > 0) found += users.length;
    }
    await client.end();
    await Promise.all(searches);
    expect(Math.max(...atOnce)).toBe(1);
    expect(found).toBeGreaterThan(0);
  },
);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
