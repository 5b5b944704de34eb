import { fileURLToPath } from 'node:url';
import { toAsyncIterable } from '@rollcall/grpc';
import { type user, userService } from '@rollcall/proto';
import { firstValueFrom, from } from 'rxjs';
import { expect, test } from 'vitest';
import type { Database } from '../src/store/engine/database.ts';
import { all, auditEntries, createUser, makeDatabase, newUser, spawnService } from './service.ts';

const rounds = Number(process.env['CRASH_ROUNDS'] ?? 3);
const { KIND_CHECKPOINT, KIND_DELETED } = userService.WatchEvent_Kind;

type Service = Awaited<ReturnType<typeof spawnService>>;

/** A write that was acknowledged: what it left, or for a row of an import its user. */
interface Acknowledged {
  readonly id: string;
  readonly etag?: string;
}

/** The log of changes behind a token, up to now. */
async function logBehind({ users }: Service, resumeToken: string): Promise<userService.WatchEvent[]> {
  const log: userService.WatchEvent[] = [];
  for await (const { events } of toAsyncIterable(users.watchUsers({ resumeToken, snapshot: false, filter: '' })))
    for (const event of events) {
      if (event.kind === KIND_CHECKPOINT) return log;
      log.push(event);
    }
  throw new Error('the watch ended');
}

async function firstToken({ users }: Service): Promise<string> {
  const { events } = await firstValueFrom(users.watchUsers({ resumeToken: '', snapshot: false, filter: '' }));
  return events[0]?.resumeToken ?? '';
}

/** Writes of every kind until the service is gone, which is after a number of them. */
async function writeUntilKilled(service: Service, round: number): Promise<Acknowledged[]> {
  const { users } = service;
  const acknowledged: Acknowledged[] = [];
  let killed = false;
  const enough = 150 + ((round * 71) % 150);
  const note = (written: Acknowledged): void => {
    acknowledged.push(written);
    if (acknowledged.length < enough || killed) return;
    killed = true;
    void service.end('SIGKILL');
  };
  const changed = async (answer: Promise<{ user: user.User | null }>): Promise<void> => {
    const { user: after } = await answer;
    if (after !== null) note({ id: after.id, etag: after.etag });
  };
  const write = async (caller: number): Promise<void> => {
    for (let turn = 0; ; turn += 1) {
      const { id, etag } = await createUser(users, { name: `r${round} c${caller} t${turn}` });
      note({ id, etag });
      await changed(firstValueFrom(users.updateUser({ user: newUser({ id, age: turn % 100 }), updateMask: ['age'] })));
      await changed(firstValueFrom(users.deleteUser({ id, etag: '' })));
      if (turn % 2 === 0) await changed(firstValueFrom(users.undeleteUser({ id, etag: '' })));
    }
  };
  const importRows = async (caller: number): Promise<void> => {
    for (let turn = 0; ; turn += 1) {
      const rows = Array.from({ length: 20 }, (_, index) => ({
        user: newUser({ name: `r${round} i${caller} t${turn} ${index}` }),
        dryRun: false,
        onConflict: 0,
        users: [],
        afterRow: '0',
        requestId: '',
      }));
      for await (const { results } of toAsyncIterable(users.importUsers(from(rows))))
        for (const { id } of results) note({ id });
    }
  };
  await Promise.allSettled([...Array.from({ length: 12 }, (_, index) => write(index)), importRows(0), importRows(1)]);
  return acknowledged;
}

/** What of the acknowledged is not in the log exactly once. */
function missing(log: readonly userService.WatchEvent[], acknowledged: readonly Acknowledged[]): Acknowledged[] {
  const counts = new Map<string, number>();
  for (const { after } of log)
    for (const key of [after?.id, `${after?.id} ${after?.etag}`])
      counts.set(key ?? '', (counts.get(key ?? '') ?? 0) + 1);
  return acknowledged.filter(({ id, etag }) => counts.get(etag === undefined ? id : `${id} ${etag}`) !== 1);
}

/** Kills the service in the middle of writes, some times. @returns the acknowledged writes that are lost or there twice */
async function crash(database: Database, times: number, nodeOptions: readonly string[] = []): Promise<Acknowledged[]> {
  let token = '';
  const acknowledged: Acknowledged[] = [];
  for (let round = 0; round < times; round += 1) {
    await using service = await spawnService(database, '127.0.0.1:0', nodeOptions);
    token ||= await firstToken(service);
    acknowledged.push(...(await writeUntilKilled(service, round)));
  }
  await using service = await spawnService(database);
  const log = await logBehind(service, token);
  const lost = missing(log, acknowledged);

  const held = new Map<string, string>();
  for (const { kind, before, after } of log) {
    expect(held.get(after?.id ?? '') ?? (before?.deleteTime === null ? 'live' : undefined)).toBe(
      before?.deleteTime === null ? before.etag : undefined,
    );
    if (kind === KIND_DELETED) held.delete(after?.id ?? '');
    else held.set(after?.id ?? '', after?.etag ?? '');
  }
  const messages = await all(service.users.exportUsers({ types: [], afterId: '0', filter: '' }));
  const stored = messages.flatMap(({ users }) => users.map(({ id, etag }) => [id, etag] as const));
  expect(new Map(stored)).toEqual(held);
  const audited = (await auditEntries(service.audit)).flatMap(({ changes }) => changes);
  expect(audited).toEqual(log.map(({ before, after }) => ({ before, after })));
  expect(acknowledged.length).toBeGreaterThan(times * 100);
  return lost;
}

test(
  `${rounds} kills in the middle of mixed writes lose nothing that was acknowledged, and log it exactly once`,
  {
    timeout: 600_000,
  },
  async () => {
    await using database = await makeDatabase();
    expect(await crash(database, rounds)).toEqual([]);
  },
);

test('notices a service that acknowledges before the commit', { timeout: 120_000 }, async () => {
  await using database = await makeDatabase();
  const early = fileURLToPath(new URL('acknowledge-early.mjs', import.meta.url));
  expect(await crash(database, 3, ['--import', early])).not.toEqual([]);
});
