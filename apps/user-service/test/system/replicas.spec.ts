import { status as Status } from '@grpc/grpc-js';
import { toAsyncIterable } from '@rollcall/grpc';
import { userService } from '@rollcall/proto';
import { sql } from 'kysely';
import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';
import type { Database } from '../../src/store/engine/database.ts';
import { createUser as creation } from '../../src/users/create-user.ts';
import { openEngine } from '../../src/service.ts';
import { auditPages } from '../../src/store/audit/pages.ts';
import { logChanges } from '../../src/store/changes/log.ts';
import type { Engine } from '../../src/store/engine/engine.ts';
import { newRow } from '../../src/store/users/rows.ts';
import { verifyChain } from '../../src/audit/verify-chain.ts';
import { auditEntries, createUser, failure, makeDatabase, newUser, openStore, startService } from '../service.ts';

type Service = Awaited<ReturnType<typeof startService>>;
const { KIND_CHECKPOINT } = userService.WatchEvent_Kind;

/** The ids and etags of the next changes that a service tells of, from now on. */
async function watchFromNow({ users }: Service, count: number): Promise<() => Promise<string[]>> {
  const messages = toAsyncIterable(users.watchUsers({ resumeToken: '', snapshot: false, filter: '' }));
  await messages.next(); // the checkpoint that says that it watches
  return async () => {
    const seen: string[] = [];
    for await (const { events } of messages) {
      for (const { kind, after } of events) if (kind !== KIND_CHECKPOINT) seen.push(`${after?.id} ${after?.etag}`);
      if (seen.length >= count) break;
    }
    return seen;
  };
}

/** An engine beside that of a service. */
async function openSecond(database: Database): Promise<Engine & AsyncDisposable> {
  const engine = await openEngine(database);
  return Object.assign(engine, { [Symbol.asyncDispose]: () => engine.close() });
}

test('replicas that start at once migrate once', async () => {
  await using database = await makeDatabase();
  await using stack = new AsyncDisposableStack();
  const started = await Promise.allSettled(Array.from({ length: 4 }, () => startService(database)));
  const replicas = started.flatMap((one) => (one.status === 'fulfilled' ? stack.use(one.value) : []));
  expect(replicas).toHaveLength(4);
  await using engine = await openSecond(database);
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(engine.db);
  expect(rows.map(({ name }) => name)).toEqual([
    '0001_directory',
    '0002_access',
    '0003_credentials',
    '0004_audit_cuts',
  ]);
  const ids = await Promise.all(replicas.map(async ({ users }) => (await createUser(users, {})).id));
  expect(ids.toSorted()).toEqual(['1', '2', '3', '4']);
});

test('knows request ids of other replicas: two at once make one user', async () => {
  await using database = await makeDatabase();
  await using one = await startService(database);
  await using other = await startService(database);
  for (let round = 0; round < 20; round += 1) {
    const answers = await Promise.all(
      [one, other, one, other].map(({ users }) => createUser(users, { name: `user ${round}` }, `key-${round}`)),
    );
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
  }
  const refused = await failure(other.users.createUser({ user: newUser({ name: 'Eve' }), requestId: 'key-1' }));
  expect(refused).toMatchObject({ code: Status.ALREADY_EXISTS, reason: 'REQUEST_ID_REUSED' });
});

test('gives an address to one of two users that ask different replicas for it', async () => {
  await using database = await makeDatabase();
  await using one = await startService(database);
  await using other = await startService(database);
  for (let round = 0; round < 20; round += 1) {
    const outcomes = await Promise.allSettled(
      [one, other].map(({ users }) => createUser(users, { email: `user${round}@example.com` })),
    );
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  }
});

test(
  '50 writers on two replicas: watchers on both see every change once, in the same order',
  {
    timeout: 120_000,
  },
  async () => {
    await using database = await makeDatabase();
    await using one = await startService(database);
    await using other = await startService(database);
    const rounds = 20;
    const total = 50 + 50 * rounds;
    const watchers = await Promise.all([one, other, one, other].map((service) => watchFromNow(service, total)));
    const logs = Promise.all(watchers.map((read) => read()));
    const writers = Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? one : other));
    await Promise.all(writers.map(({ users }, index) => createUser(users, { id: String(index + 1) })));
    const written: string[] = [];
    await Promise.all(
      writers.map(async ({ users }, index) => {
        for (let round = 1; round <= rounds; round += 1) {
          const id = String(1 + ((index + round) % 50));
          const changed = { user: newUser({ id, name: `${index} ${round}` }), updateMask: ['name'] };
          const { user } = await firstValueFrom(users.updateUser(changed));
          written.push(`${id} ${user?.etag}`);
        }
      }),
    );
    const [first, ...others] = await logs;
    expect(first?.slice(50).toSorted()).toEqual(written.toSorted());
    for (const log of others) expect(log).toEqual(first);
    const audited = (await auditEntries(other.audit)).flatMap(({ changes }) => changes);
    expect(audited.map(({ after }) => `${after?.id} ${after?.etag}`)).toEqual(first);
    await using engine = await openSecond(database);
    expect((await verifyChain(auditPages(engine.db))).head.seq).toBe(BigInt(total));
  },
);

test('a writer that is slow to commit holds up the number behind it, so that nobody sees a later change first', async () => {
  await using database = await makeDatabase();
  await using service = await startService(database);
  const read = await watchFromNow(service, 2);
  await using slow = await openSecond(database);
  const { promise: mayCommit, resolve: commit } = Promise.withResolvers<void>();
  using held = new DisposableStack();
  held.defer(commit);
  const { promise: hasNumber, resolve: tookNumber } = Promise.withResolvers<void>();
  const writing = slow.db.transaction().execute(async (db) => {
    await slow.lockWriters(db);
    const nowMs = BigInt(Date.now()); // a change of long ago would be forgotten
    const row = newRow(1n, { name: 'first', email: '', age: undefined, type: 1 }, nowMs);
    await db.insertInto('users').values(row).execute();
    await logChanges(
      slow,
      db,
      [{ kind: userService.WatchEvent_Kind.KIND_CREATED, before: undefined, after: row }],
      nowMs,
    );
    tookNumber();
    await mayCommit;
  });
  await hasNumber;
  let done = false;
  const maintained = service.store.maintenance.run(); // as at any start, it waits here too
  const second = createUser(service.users, { id: '2' }).then(() => (done = true));
  for (let turn = 0; turn < 50; turn += 1) await failure(service.users.getUser({ id: '9' }));
  expect(done).toBe(false);
  commit();
  await Promise.all([writing, second, maintained]);
  expect((await read()).map((change) => change.split(' ')[0])).toEqual(['1', '2']);
});

test(
  'a replica that stands still in a transaction holds up the others for ten seconds at the most',
  {
    timeout: 40_000,
  },
  async () => {
    await using database = await makeDatabase();
    await using opened = await openStore({}, database);
    await using stuck = await openSecond(database);
    const { promise: locked, resolve: tookLock } = Promise.withResolvers<void>();
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    using held = new DisposableStack();
    held.defer(end);
    const holding = stuck.db.transaction().execute(async (db) => {
      await stuck.lockWriters(db);
      tookLock();
      await over; // as a process that was stopped
      await db.selectFrom('users').select('id').execute();
    });
    await locked;
    const start = performance.now();
    expect((await opened.store.write(creation(newUser({ id: '1' }), ''))).id).toBe('1');
    expect(performance.now() - start).toBeLessThan(15_000);
    end();
    await expect(holding).rejects.toMatchObject({ reason: 'DATABASE_UNAVAILABLE' });
  },
);

test('entries of denied calls have one bound for all replicas: what is beyond is counted, and hides no signed-in caller', async () => {
  await using database = await makeDatabase();
  const now = (): number => 1_800_000_000_000; // within one minute, however long this takes
  await using one = await openStore({ now }, database);
  await using other = await openStore({ now }, database);
  const call = { credential: '', method: 'rollcall.user.v1.UserService.CreateUser', requestId: '', code: 16 };
  for (const [index, { store }] of [one, other].entries()) {
    for (let count = 0; count < 400; count += 1)
      store.audit.denied({ ...call, callerId: '0', address: `10.${index}.${count >> 8}.${count & 255}`, reason: 'NO' });
    for (let caller = 1; caller <= 60; caller += 1)
      store.audit.denied({ ...call, callerId: String(index * 100 + caller), address: '10.0.0.1', reason: 'NO' });
  }
  expect(await Promise.all([one.store.audit.flush(), other.store.audit.flush()])).toEqual([true, true]);
  // What is beyond is read back from entries of both kinds.
  await using service = await startService(database);
  const entries = await auditEntries(service.audit, { deniedOnly: true, pageSize: 1000 });
  const [apart, together] = [entries.filter(({ note }) => note === ''), entries.filter(({ note }) => note !== '')];
  expect(apart.filter(({ callerId }) => callerId === '0')).toHaveLength(500);
  expect(apart.filter(({ callerId }) => callerId !== '0')).toHaveLength(120);
  expect(together.map(({ count }) => count).reduce((sum, count) => sum + count, 0)).toBe(300);
});
