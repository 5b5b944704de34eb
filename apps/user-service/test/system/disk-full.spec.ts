import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status as Status } from '@grpc/grpc-js';
import { health } from '@rollcall/grpc';
import { makeDirectory, startPostgres } from '@rollcall/test-servers';
import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';
import type { Database } from '../../src/store/engine/database.ts';
import { all, type connect, createUser, failure, newUser, spawnService } from '../service.ts';

const { HealthCheckResponse_ServingStatus: ServingStatus } = health;

/** A file system in memory that is soon full. It takes root to mount it. */
function smallDisk(megabytes: number): { path: string; grow(to: number): void } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'rollcall-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=700`, 'tmpfs', path]);
  return {
    path,
    grow: (to) => execFileSync('mount', ['-o', `remount,size=${to}m`, path]),
    [Symbol.dispose]: () => {
      execFileSync('umount', [path]);
      rmSync(path, { recursive: true });
    },
  };
}

/** Waits until the service says this of its health. */
async function says(
  { health: client }: Pick<ReturnType<typeof connect>, 'health'>,
  status: keyof typeof ServingStatus,
): Promise<void> {
  for (;;) {
    const answer = await firstValueFrom(client.check({ service: '' }));
    if (answer.status === ServingStatus[status]) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Writes until the disk is full, reads, makes room, and kills. @returns what was acknowledged and is lost */
async function fill(database: Database, makeRoom: () => void): Promise<string[]> {
  await using service = await spawnService(database);
  const { users } = service;
  const acknowledged: string[] = [];
  const refused = new Set<string>();
  const write = async (caller: number): Promise<void> => {
    for (let turn = 0; ; turn += 1) {
      const name = `${caller} ${turn} `.padEnd(200, 'x');
      try {
        acknowledged.push((await createUser(users, { name })).id);
      } catch {
        const error = await failure(users.createUser({ user: newUser({ name }), requestId: '' }));
        refused.add(`${Status[error.code]} ${error.reason}`);
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, index) => write(index)));
  expect([...refused]).toEqual(['RESOURCE_EXHAUSTED DATABASE_FULL']);
  expect(acknowledged.length).toBeGreaterThan(100);
  const exported = async (): Promise<Set<string>> => {
    const messages = await all(users.exportUsers({ types: [], afterId: '0', filter: '' }));
    return new Set(messages.flatMap((message) => message.users.map(({ id }) => id)));
  };
  const stored = await exported();
  expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
  const [some = ''] = acknowledged;
  expect((await firstValueFrom(users.getUser({ id: some }))).user?.id).toBe(some);
  makeRoom();
  expect(stored.has((await createUser(users, {})).id)).toBe(false);
  await says(service, 'SERVING');
  await service.end('SIGKILL');
  await using again = await spawnService(database);
  const messages = await all(again.users.exportUsers({ types: [], afterId: '0', filter: '' }));
  const kept = new Set(messages.flatMap((message) => message.users.map(({ id }) => id)));
  return acknowledged.filter((id) => !kept.has(id));
}

test(
  'SQLite on a full disk: RESOURCE_EXHAUSTED, nothing acknowledged is lost, reads go on',
  {
    timeout: 120_000,
  },
  async () => {
    using disk = smallDisk(8);
    expect(await fill({ engine: 'sqlite', dataDir: disk.path }, () => disk.grow(64))).toEqual([]);
  },
);

test(
  'PostgreSQL on a full disk: RESOURCE_EXHAUSTED, nothing acknowledged is lost, reads go on',
  {
    timeout: 120_000,
  },
  async () => {
    using disk = smallDisk(16);
    await using postgres = await startPostgres();
    const url = await postgres.createDatabase(disk.path);
    expect(await fill({ engine: 'postgres', url, poolSize: 4 }, () => disk.grow(128))).toEqual([]);
  },
);

test('SQLite on a disk that fails: UNAVAILABLE without a word of SQLite, not ready, reads go on, and it comes back', async () => {
  using directory = makeDirectory();
  await using service = await spawnService({ engine: 'sqlite', dataDir: directory.path });
  const { users } = service;
  const { id } = await createUser(users, {});
  // Each write beyond the size that a file may have fails with EFBIG, which SQLite takes for an error of the disk.
  const mayGrow = (bytes: string): unknown =>
    execFileSync('prlimit', ['--pid', String(service.pid), `--fsize=${bytes}:unlimited`]);
  mayGrow('4096');
  for (let turn = 0; turn < 3; turn += 1)
    expect(await failure(users.createUser({ user: newUser({ name: 'Eve' }), requestId: '' }))).toMatchObject({
      code: Status.UNAVAILABLE,
      reason: 'DATABASE_UNAVAILABLE',
      message: 'The disk of the database cannot be used at the moment. Try again.',
    });
  await says(service, 'NOT_SERVING');
  expect((await firstValueFrom(users.getUser({ id }))).user?.name).toBe('Ada');
  mayGrow('unlimited');
  await says(service, 'SERVING');
  const { id: second } = await createUser(users, { name: 'Grace' });
  expect(await service.end('SIGKILL')).toBeNull();
  await using again = await spawnService({ engine: 'sqlite', dataDir: directory.path });
  const { users: kept } = await firstValueFrom(again.users.batchGetUsers({ ids: [id, second] }));
  expect(kept.map(({ name }) => name)).toEqual(['Ada', 'Grace']);
});
