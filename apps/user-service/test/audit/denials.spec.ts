import { sql } from 'kysely';
import { firstValueFrom } from 'rxjs';
import { expect, test, vi } from 'vitest';
import { Logger } from '@nestjs/common';
import { Denials } from '../../src/store/audit/denials.ts';
import type { NewEntry } from '../../src/store/audit/entry.ts';
import { auditEntries, makeDatabase, openStore, startService } from '../service.ts';

const denial = {
  callerId: '7',
  credential: 'token',
  method: 'rollcall.user.v1.UserService.CreateUser',
  address: '10.0.0.7',
  requestId: 'first',
  code: 7,
  reason: 'NOT_PERMITTED',
};

/** Denials over a database that can be away, and a clock. */
function startDenials() {
  const database = { isAway: false, maxTransactions: Infinity, transactions: [] as (readonly NewEntry[])[] };
  const clock = { now: 1000 };
  const denials = new Denials(
    (entries) => {
      if (database.isAway || database.transactions.length >= database.maxTransactions)
        return Promise.reject(new Error('away'));
      database.transactions.push(entries);
      return Promise.resolve(new Set());
    },
    () => clock.now,
  );
  return { denials, database, clock, written: () => database.transactions.flat() };
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

const nobody = { ...denial, callerId: '0', credential: '' };
const sumOf = (entries: readonly { readonly count?: number }[]): number =>
  entries.reduce((sum, { count = 0 }) => sum + count, 0);

test('makes one entry of the calls of an IPv6 network, with the first address of them', async () => {
  const { denials, written } = startDenials();
  for (let count = 1; count <= 250; count += 1)
    denials.add({ ...nobody, address: `2001:db8:1:2::${count.toString(16)}` });
  denials.add({ ...nobody, address: '2001:db8:1:3::1' });
  for (const address of ['203.0.113.9', '::ffff:203.0.113.9']) denials.add({ ...nobody, address });
  await denials.flush();
  expect(written()).toMatchObject([
    { address: '2001:db8:1:2::1', count: 250 },
    { address: '2001:db8:1:3::1', count: 1 },
    { address: '203.0.113.9', count: 2 },
  ]);
});

test('has a bound for the entries of a minute, counts what is beyond by its reason, and hides no signed-in caller', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const { denials, clock, written } = startDenials();
    for (let second = 0; second < 60; second += 1) {
      for (let count = 0; count < 100; count += 1)
        denials.add({ ...nobody, address: `10.1.${second}.${count}`, reason: `reason ${count % 30}` });
      denials.add({ ...denial, callerId: `${second + 1}` });
      clock.now += 1000;
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(written().filter(({ callerId }) => callerId !== '0')).toHaveLength(60);
    const ofNobody = written().filter(({ callerId }) => callerId === '0');
    expect(ofNobody.slice(0, 500).every(({ address }) => address !== '')).toBe(true);
    expect(ofNobody.length).toBe(500 + 21);
    expect(sumOf(ofNobody)).toBe(6000);
    expect(ofNobody[500]).toMatchObject({ address: '', reason: 'reason 0', code: 7 });
    expect(ofNobody[500]?.note).toMatch(/more different ones were denied within a minute/);
    expect(ofNobody.at(-1)).toMatchObject({ reason: '', callerId: '0' });
    denials.add({ ...nobody, address: 'of the next minute' });
    await denials.flush();
    expect(written().at(-1)).toMatchObject({ address: 'of the next minute' });
  } finally {
    vi.useRealTimers();
  }
});

test('makes the log grow by less than 1 MB a minute, whatever is denied', async () => {
  await using service = await startService();
  const large = (text: string): string => text.padEnd(300, 'x');
  for (let count = 0; count < 20_000; count += 1) {
    const address = `10.${count >> 8}.${count & 255}.1`;
    const call = { address, requestId: 'r'.repeat(128), reason: large(`reason ${count % 1000}`) };
    service.store.audit.denied({ ...(count % 2 === 0 ? nobody : denial), ...call });
  }
  await service.store.audit.flush();
  const entries = await auditEntries(service.audit, { deniedOnly: true, pageSize: 1000 });
  expect(sumOf(entries)).toBe(20_000);
  expect(JSON.stringify(entries).length).toBeLessThan(1_000_000);
});

test('keeps them while the database is away, says so once, and loses none that it has room for', async () => {
  const warned = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
  const { denials, database, clock, written } = startDenials();
  database.isAway = true;
  for (let minute = 0; minute < 24; minute += 1) {
    for (let count = 0; count < 500; count += 1) denials.add({ ...denial, address: `${count}` });
    expect(await denials.flush()).toBe(false);
    clock.now += 60_000;
  }
  database.isAway = false;
  expect(await denials.flush()).toBe(true);
  expect(warned).toHaveBeenCalledTimes(1);
  expect(Math.max(...database.transactions.map(({ length }) => length))).toBe(1000);
  expect(written()).toHaveLength(10_001);
  expect(sumOf(written())).toBe(12_000);
  denials.add(denial);
  await denials.flush();
  expect(written().at(-1)).toMatchObject(denial);
  warned.mockRestore();
});

test('keeps what it counts by reason while that alone cannot be written', async () => {
  const warned = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
  const { denials, database, clock, written } = startDenials();
  const fill = (): void => {
    for (let count = 0; count < 502; count += 1) denials.add({ ...denial, address: `${count}` });
  };
  fill();
  database.maxTransactions = 1; // that of the 500
  expect(await denials.flush()).toBe(false);
  clock.now += 60_000;
  fill();
  expect(await denials.flush()).toBe(false);
  database.maxTransactions = Infinity;
  expect(await denials.flush()).toBe(true);
  expect(written()).toHaveLength(1001);
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

test('keeps what another service is about to do before it is answered', async () => {
  await using service = await startService();
  const write = {
    callerId: '7',
    credential: 'session',
    method: 'rollcall.chat.v1.ChatService.DeleteRoom',
    address: '10.0.0.7',
    requestId: 'first',
  };
  await firstValueFrom(service.callers.reportWrite({ ...write, note: 'room "lobby" deleted' }));
  const [entry] = await auditEntries(service.audit);
  expect(entry).toMatchObject({ ...write, code: 0, count: 1, note: 'room "lobby" deleted' });
});
