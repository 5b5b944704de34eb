import { status as Status } from '@grpc/grpc-js';
import { toAsyncIterable, health } from '@rollcall/grpc';
import { type Postgres, startPostgres } from '@rollcall/test-servers';
import { sql } from 'kysely';
import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';
import { openEngine } from '../../src/service.ts';
import { createUser, failure, newUser, runMain, spawnService, startService } from '../service.ts';

const { HealthCheckResponse_ServingStatus: ServingStatus } = health;

/** How long the database stands still, in milliseconds. */
const standstillMs = Number(process.env['OUTAGE_MS'] ?? 5000);

async function startOver(postgres: Postgres) {
  return spawnService({ engine: 'postgres', url: await postgres.createDatabase(), poolSize: 4 });
}

type Service = Awaited<ReturnType<typeof startOver>>;

/** Waits for the health of the service to become this. @returns how long it took, in milliseconds */
async function becomes({ health: client }: Service, status: health.HealthCheckResponse_ServingStatus): Promise<number> {
  const start = performance.now();
  for await (const answer of toAsyncIterable(client.watch({ service: '' }))) if (answer.status === status) break;
  return performance.now() - start;
}

test(
  'a database that restarts: calls end with UNAVAILABLE, the process stays, and is healthy within 5 s',
  {
    timeout: 60_000,
  },
  async () => {
    await using postgres = await startPostgres();
    await using service = await startOver(postgres);
    const ada = await createUser(service.users, { id: '1' });
    const watch = toAsyncIterable(service.users.watchUsers({ resumeToken: '', snapshot: false, filter: '' }));
    await watch.next();
    await postgres.stop();
    for (const call of [
      service.users.getUser({ id: '1' }),
      service.users.createUser({ user: newUser(), requestId: '' }),
      service.users.exportUsers({ types: [], afterId: '0', filter: '' }),
    ]) {
      const error = await failure(call);
      expect(error).toMatchObject({ code: Status.UNAVAILABLE, reason: 'DATABASE_UNAVAILABLE' });
      expect(error.message).not.toMatch(/ECONN|ENOENT|socket|terminat/i);
      expect(error.details.retryDelayMs).toBe(1000);
    }
    await expect(watch.next()).rejects.toMatchObject({ code: Status.UNAVAILABLE });
    await becomes(service, ServingStatus.NOT_SERVING);
    await postgres.start();
    expect(await becomes(service, ServingStatus.SERVING)).toBeLessThan(5000);
    expect(await firstValueFrom(service.users.getUser({ id: '1' }))).toEqual({ user: ada });
    expect((await createUser(service.users, {})).id).toBe('2');
  },
);

test(
  `a database that stands still for ${standstillMs / 1000} s: calls end by their deadline, and it is healthy within 5 s of its return`,
  {
    timeout: 120_000,
  },
  async () => {
    await using postgres = await startPostgres();
    await using service = await startOver(postgres);
    await createUser(service.users, { id: '1' });
    postgres.pause();
    const end = performance.now() + standstillMs;
    const codes = new Set<Status>();
    let late = 0;
    const caller = async (index: number): Promise<void> => {
      while (performance.now() < end) {
        const start = performance.now();
        const options = { deadline: Date.now() + 1000 };
        const call =
          index % 2 === 0
            ? service.users.getUser({ id: '1' }, options)
            : service.users.createUser({ user: newUser(), requestId: '' }, options);
        const error = await failure(call);
        codes.add(error.code);
        late = Math.max(late, performance.now() - start);
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, index) => caller(index)));
    expect([...codes].filter((code) => code !== Status.DEADLINE_EXCEEDED && code !== Status.UNAVAILABLE)).toEqual([]);
    expect(late).toBeLessThan(5000); // on a busy machine; not for as long as the database stands still
    postgres.resume();
    expect(await becomes(service, ServingStatus.SERVING)).toBeLessThan(5000);
    expect((await firstValueFrom(service.users.getUser({ id: '1' }))).user?.id).toBe('1');
    expect(Number((await createUser(service.users, {})).id)).toBeGreaterThan(1);
  },
);

test('waits at start for a database that is not there yet, and says so', { timeout: 60_000 }, async () => {
  await using postgres = await startPostgres();
  const url = await postgres.createDatabase();
  await postgres.stop();
  const starting = spawnService({ engine: 'postgres', url, poolSize: 4 });
  await new Promise<void>((resolve) => setImmediate(resolve));
  await postgres.start();
  await using service = await starting;
  expect((await createUser(service.users, {})).id).toBe('1');
});

test('does not start when the database refuses it, and shows no password', async () => {
  await using postgres = await startPostgres();
  const url = new URL(await postgres.createDatabase());
  url.password = 'secret-of-the-test';
  url.pathname = '/no_such_database';
  const { code, stderr } = await runMain({ DATABASE_URL: url.href, USER_LISTEN: '127.0.0.1:0' });
  expect(code).toBe(1);
  expect(stderr).toBe('user-service cannot start: DATABASE_URL: database "no_such_database" does not exist\n');
});

test('a statement ends with the deadline of its call, and a write is not made for who has gone, so that the database does not work for nobody', async () => {
  await using postgres = await startPostgres();
  const url = await postgres.createDatabase();
  await using service = await startService({ engine: 'postgres', url, poolSize: 4 });
  const blocker = await openEngine({ engine: 'postgres', url, poolSize: 2 });
  const { promise: over, resolve: release } = Promise.withResolvers<void>();
  const { promise: locked, resolve: took } = Promise.withResolvers<void>();
  const holding = blocker.db.transaction().execute(async (db) => {
    await sql`lock table users in access exclusive mode`.execute(db);
    took();
    await over;
  });
  await locked;
  const error = await failure(service.users.getUser({ id: '1' }, { deadline: Date.now() + 700 }));
  expect(error.code).toBe(Status.DEADLINE_EXCEEDED);
  const active = async (): Promise<number> => {
    const { rows } = await sql<{ count: bigint }>`
      select count(*) from pg_stat_activity where wait_event_type = 'Lock'`.execute(blocker.db);
    return Number(rows[0]?.count);
  };
  while ((await active()) > 0); // the test's own time limit ends the wait
  const late = service.users.createUser({ user: newUser(), requestId: '' }, { deadline: Date.now() + 700 });
  expect((await failure(late)).code).toBe(Status.DEADLINE_EXCEEDED);
  release();
  await holding;
  expect((await createUser(service.users, {})).id).toBe('1'); // nothing was written for the one who had gone
  await blocker.close();
});
