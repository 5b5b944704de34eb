import { sql } from 'kysely';
import { expect, test, vi } from 'vitest';
import { Logger } from '@nestjs/common';
import { Denials } from '../src/store/denials.ts';
import type { NewEntry } from '../src/store/audit-entry.ts';
import { auditEntries, makeDatabase, openStore, startService } from './service.ts';

const denial = {
  callerId: '7',
  credential: 'token',
  method: 'rollcall.user.v1.UserService.CreateUser',
  address: '10.0.0.7',
  requestId: 'first',
  code: 7,
  reason: 'NOT_PERMITTED',
};

/** Denials over a database that can be away. */
function startDenials() {
  const database = { isAway: false, maxTransactions: Infinity, transactions: [] as (readonly NewEntry[])[] };
  let now = 1000;
  const denials = new Denials(
    (entries) => {
      if (database.isAway || database.transactions.length >= database.maxTransactions)
        return Promise.reject(new Error('away'));
      database.transactions.push(entries);
      return Promise.resolve();
    },
    () => (now += 1),
  );
  return { denials, database, written: () => database.transactions.flat() };
}

test('makes one entry of equal calls, with their number and the first of them', async () => {
  await using service = await startService();
  for (const requestId of ['first', 'second', 'third']) service.store.audit.denied({ ...denial, requestId });
  await service.store.audit.flush();
  service.store.audit.denied({ ...denial, requestId: 'later' });
  await service.store.audit.flush();
  const entries = await auditEntries(service.audit, { deniedOnly: true });
  expect(entries).toMatchObject([
    { seq: '1', ...denial, count: 3, requestId: 'first', note: '', changes: [] },
    { seq: '2', ...denial, count: 1, requestId: 'later' },
  ]);
});

test.each([
  { callerId: '8' },
  { credential: 'session' },
  { method: 'rollcall.user.v1.UserService.DeleteUser' },
  { address: '10.0.0.8' },
  { code: 16 },
  { reason: 'another' },
])('keeps calls apart that differ in %o', async (difference) => {
  const { denials, written } = startDenials();
  denials.add(denial);
  denials.add({ ...denial, ...difference });
  denials.add({ ...denial, ...difference });
  await denials.flush();
  expect(written()).toMatchObject([
    { ...denial, count: 1 },
    { ...denial, ...difference, count: 2 },
  ]);
});

test('writes them by itself', async () => {
  await using service = await startService();
  service.store.audit.denied(denial);
  let entries = await auditEntries(service.audit);
  while (entries.length === 0) entries = await auditEntries(service.audit);
  expect(entries).toMatchObject([denial]);
});

test('writes them before the store closes', async () => {
  await using database = await makeDatabase();
  {
    await using opened = await openStore({}, database);
    opened.store.audit.denied(denial);
  }
  await using service = await startService(database);
  expect(await auditEntries(service.audit)).toMatchObject([denial]);
});

test('counts what is too much by its reason, and says so', async () => {
  const { denials, database, written } = startDenials();
  for (let count = 0; count < 10_003; count += 1) denials.add({ ...denial, address: `${count}` });
  for (let count = 0; count < 150; count += 1)
    denials.add({ ...denial, address: 'more', reason: `reason ${count % 120}` });
  await denials.flush();
  expect(Math.max(...database.transactions.map(({ length }) => length))).toBe(1000);
  expect(
    written()
      .slice(0, 10_000)
      .map(({ address }) => address),
  ).toEqual(Array.from({ length: 10_000 }, (_, count) => `${count}`));
  const beyond = written().slice(10_000);
  expect(beyond).toHaveLength(101);
  expect(beyond.slice(0, 2)).toMatchObject([
    { callerId: '0', method: '', address: '', code: 7, reason: 'NOT_PERMITTED', count: 3 },
    { callerId: '0', method: '', address: '', code: 7, reason: 'reason 0', count: 2 },
  ]);
  expect(beyond[0]?.note).toMatch(/more than 10000 different ones/);
  expect(beyond.at(-1)).toMatchObject({ reason: '', code: 7, count: 21 });
  expect(beyond.reduce((sum, { count = 0 }) => sum + count, 0)).toBe(153);
});

test('keeps them while the database is away, says so once, and loses none that it has room for', async () => {
  const warned = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
  const { denials, database, written } = startDenials();
  database.isAway = true;
  for (let second = 0; second < 3; second += 1) {
    for (let count = 0; count < 4000; count += 1) denials.add({ ...denial, address: `${count}` });
    expect(await denials.flush()).toBe(false);
  }
  database.isAway = false;
  expect(await denials.flush()).toBe(true);
  expect(warned).toHaveBeenCalledTimes(1);
  expect(written()).toHaveLength(10_001);
  expect(written().reduce((sum, { count = 0 }) => sum + count, 0)).toBe(12_000);
  denials.add(denial);
  await denials.flush();
  expect(written().at(-1)).toMatchObject(denial);
  warned.mockRestore();
});

test('keeps what it counts by reason while that alone cannot be written', async () => {
  const warned = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
  const { denials, database, written } = startDenials();
  const fill = (): void => {
    for (let count = 0; count < 10_002; count += 1) denials.add({ ...denial, address: `${count}` });
  };
  fill();
  database.maxTransactions = 10; // those of the 10,000
  expect(await denials.flush()).toBe(false);
  fill();
  expect(await denials.flush()).toBe(false);
  database.maxTransactions = Infinity;
  expect(await denials.flush()).toBe(true);
  expect(written()).toHaveLength(20_001);
  expect(written().at(-1)).toMatchObject({ reason: 'NOT_PERMITTED', count: 4 });
  warned.mockRestore();
});

test('says how many are lost when the database is away at the end', async () => {
  const warned = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
  const told = vi.spyOn(Logger.prototype, 'error').mockReturnValue();
  const { denials, database } = startDenials();
  database.isAway = true;
  denials.add(denial);
  denials.add(denial);
  await denials.close();
  expect(told.mock.calls).toEqual([[expect.stringMatching(/^2 denied calls are missing from the audit log/)]]);
  warned.mockRestore();
  told.mockRestore();
});

test('waits for a writer that is slow, and does not mix with its transaction', async () => {
  await using opened = await openStore();
  const { store, engine } = opened;
  const { promise: mayCommit, resolve: commit } = Promise.withResolvers<void>();
  const writing = engine.writer.transaction().execute(async (db) => {
    await engine.lockWriters(db);
    await mayCommit;
    await sql`select 1`.execute(db);
  });
  store.audit.denied(denial);
  const flushed = store.audit.flush();
  commit();
  await writing;
  expect(await flushed).toBe(true);
  expect((await store.audit.head()).seq).toBe(1n);
});
