import * as fc from 'fast-check';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { matches } from '../../src/query/filter/match.ts';
import { parseFilter } from '../../src/query/filter/parser.ts';
import { type Order, parseOrder } from '../../src/query/order.ts';
import type { Key } from '../../src/store/users/orders.ts';
import { UserPages } from '../../src/store/users/pages.ts';
import type { UsersQuery } from '../../src/store/users/query.ts';
import { ScanTurns } from '../../src/store/users/scan-turns.ts';
import { type Row, toUser } from '../../src/store/users/rows.ts';
import { filterTexts, orderTexts, testUsers } from '../query/arbitraries.ts';
import { toRow } from '../query/users.ts';
import { openStore } from '../service.ts';

/** Compares two rows as a database does. */
function compareRows(order: Order, a: Row, b: Row): number {
  for (const { column, descending } of order) {
    const [left, right] = [a[column], b[column]];
    const compared =
      typeof left === 'string' ? Buffer.from(left).compare(Buffer.from(String(right))) : Number(left) - Number(right);
    if (compared !== 0) return descending ? -compared : compared;
  }
  return 0;
}

test('leads over every user of a query once, in the order, and counts them', { timeout: 120_000 }, async () => {
  await using opened = await openStore();
  const { db } = opened.engine;
  const pages = new UserPages(opened.engine, new ScanTurns(), 20); // windows that are smaller than the directory
  const property = fc.asyncProperty(
    testUsers,
    filterTexts,
    orderTexts,
    fc.boolean(),
    fc.integer({ min: 1, max: 3 }),
    async (users, filterText, orderText, showDeleted, size) => {
      const stored = withoutSharedAddresses(users.map(toRow));
      await sql`delete from users`.execute(db);
      if (stored.length > 0) await db.insertInto('users').values(stored).execute();
      const query: UsersQuery = { filter: parseFilter(filterText), order: parseOrder(orderText), showDeleted };
      const visited: bigint[] = [];
      let key: Key | undefined;
      do {
        const rows: Row[] = await pages.read(query, key, size);
        visited.push(...rows.map(({ id }) => id));
        const last = rows.length < size ? undefined : rows.at(-1);
        key = last && UserPages.keyOf(last, query.order);
      } while (key !== undefined && visited.length <= stored.length);
      const expected = stored
        .filter((row) => (showDeleted || row.delete_time_ms === 0n) && matches(query.filter, toUser(row)))
        .toSorted((a, b) => compareRows(query.order, a, b));
      expect({ filterText, orderText, visited }).toEqual({
        filterText,
        orderText,
        visited: expected.map(({ id }) => id),
      });
      expect(await pages.count(query)).toBe(BigInt(expected.length));
    },
  );
  await fc.assert(property, { numRuns: 300 });
});

/** No two live users have the same address. */
function withoutSharedAddresses(rows: readonly Row[]): Row[] {
  const taken = new Set<string>();
  return rows.map((row) => {
    if (row.delete_time_ms > 0n || row.email_key === '' || !taken.has(row.email_key)) {
      if (row.delete_time_ms === 0n) taken.add(row.email_key);
      return row;
    }
    return { ...row, email: '', email_key: '' };
  });
}
