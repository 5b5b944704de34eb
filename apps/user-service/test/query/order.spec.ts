import { RpcError } from '@rollcall/grpc';
import * as fc from 'fast-check';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { behind, type OrderKey } from '../../src/query/order-sql.ts';
import { type Order, parseOrder } from '../../src/query/order.ts';
import type { QueriedUsers } from '../../src/query/queried-users.ts';
import { orderTexts, testUsers } from './arbitraries.ts';
import { openUsers, toRow } from './users.ts';

/** An order as in SQL. */
function shown(order: Order): string {
  return order.map(({ column, descending }) => (descending ? `${column} desc` : column)).join(', ');
}

test.each([
  ['', 'id'],
  ['  ', 'id'],
  ['id desc', 'id desc'],
  ['name', 'name_key, id'],
  ['name desc', 'name_key desc, id desc'],
  [' email  asc ,age\tdesc', 'email_key, age desc, id desc'],
  ['age desc, createTime', 'age desc, create_time_ms, id'],
  ['type, id desc, name', 'type, id desc'],
  ['update_time, delete_time, purgeTime', 'update_time_ms, delete_time_ms, purge_time_ms, id'],
])('reads %j as %s', (orderBy, expected) => {
  expect(shown(parseOrder(orderBy))).toBe(expected);
});

test.each([
  ['field', 'name, colour', /^"colour" at position 7 is no field: the fields are id, name, /],
  ['field', '😀', /^"😀" at position 1 is no field/],
  ['field', 'Name', /^"Name" at position 1 is no field/],
  ['field', 'create_time, name, createTime desc', /^"createTime" at position 20 names a field for the second time$/],
  ['field', 'id, name, name', /^"name" at position 11 names a field for the second time$/],
  ['syntax', 'name DESC', /^"DESC" at position 6 comes where asc, desc or a comma is expected$/],
  ['syntax', 'name desc age', /^"age" at position 11 comes where a comma is expected$/],
  ['syntax', 'name,, age', /^"," at position 6 comes where a field is expected$/],
  ['syntax', 'name, ', /^the end at position 7 comes where a field is expected$/],
  ['syntax', ',', /^"," at position 1 comes where a field is expected$/],
])('says which %s is wrong in %j', (fault, orderBy, description) => {
  const refused = expect.objectContaining({
    reason: 'INVALID_FIELD',
    details: {
      violations: [{ field: 'order_by', description: expect.stringMatching(description), reason: `order_by.${fault}` }],
    },
  });
  expect(() => parseOrder(orderBy)).toThrow(RpcError);
  expect(() => parseOrder(orderBy)).toThrow(refused);
});

/** Compares two rows as a database does. */
function compareRows(order: Order, a: QueriedUsers, b: QueriedUsers): number {
  for (const { column, descending } of order) {
    const [left, right] = [a[column], b[column]];
    const compared =
      typeof left === 'string' ? Buffer.from(left).compare(Buffer.from(String(right))) : Number(left) - Number(right);
    if (compared !== 0) return descending ? -compared : compared;
  }
  return 0;
}

test('leads from page to page over every row once, in the order', async () => {
  await using users = await openUsers();
  const property = fc.asyncProperty(
    testUsers,
    orderTexts,
    fc.integer({ min: 1, max: 3 }),
    async (stored, text, size) => {
      await users.replaceWith(stored);
      const order = parseOrder(text);
      const visited: bigint[] = [];
      let key: OrderKey | undefined;
      do {
        let page = users.db.selectFrom('users').selectAll().limit(size);
        if (key !== undefined) page = page.where(behind(order, key));
        for (const { column, descending } of order) page = page.orderBy(column, descending ? 'desc' : 'asc');
        const rows = await page.execute();
        visited.push(...rows.map(({ id }) => id));
        const last = rows.at(-1);
        key = last && order.map(({ column }) => last[column]);
      } while (key !== undefined && visited.length <= stored.length);
      const expected = stored.map(toRow).toSorted((a, b) => compareRows(order, a, b));
      expect({ text, visited }).toEqual({ text, visited: expected.map(({ id }) => id) });
    },
  );
  await fc.assert(property, { numRuns: 500 });
});

test('goes on from any place, also one that no row has', async () => {
  await using users = await openUsers();
  const property = fc.asyncProperty(testUsers, testUsers, orderTexts, async (stored, others, text) => {
    await users.replaceWith(stored);
    const order = parseOrder(text);
    for (const other of others.map(toRow)) {
      const key = order.map(({ column }) => other[column]);
      const rows = await users.db.selectFrom('users').select('id').where(behind(order, key)).orderBy('id').execute();
      const expected = stored.map(toRow).filter((row) => compareRows(order, row, other) > 0);
      expect(rows.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
    }
  });
  await fc.assert(property, { numRuns: 200 });
});

test('reads the next page from an index', async () => {
  await using users = await openUsers();
  for (const [orderBy, key, range] of [
    ['id', [1n], 'PRIMARY KEY (id>?)'],
    ['name', ['ada', 1n], 'INDEX users_name_key ((name_key,id)>(?,?))'],
    ['name desc', ['ada', 1n], 'INDEX users_name_key ((name_key,id)<(?,?))'],
    ['name, id desc', ['ada', 1n], 'INDEX users_name_key (name_key>?)'],
  ] as const) {
    const order = parseOrder(orderBy);
    let page = users.db.selectFrom('users').selectAll().where(behind(order, key));
    for (const { column, descending } of order) page = page.orderBy(column, descending ? 'desc' : 'asc');
    const [first] = await page.explain<{ detail: string }>(undefined, sql`query plan`);
    expect(first?.detail).toBe(`SEARCH users USING ${range}`);
  }
});

test('takes no key of another order', () => {
  expect(() => behind(parseOrder('name'), [1n])).toThrow('a key of 1 values is no place in an order of 2 columns');
  expect(() => behind(parseOrder('id'), ['ada', 1n])).toThrow('a key of 2 values is no place in an order of 1 columns');
});
