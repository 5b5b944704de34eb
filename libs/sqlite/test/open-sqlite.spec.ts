import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from '@rollcall/test-servers';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { openSqlite } from '../src/open-sqlite.ts';

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

function open(dataDir: string) {
  return openSqlite<{ kept: { id: bigint } }>({
    dataDir,
    name: 'users',
    migrate: async (db) => void (await sql`create table if not exists kept (id integer primary key)`.execute(db)),
    diskError: (cause) => cause,
  });
}

test('keeps what it stores from all others on this machine, files of an earlier version too', async () => {
  using directory = makeDirectory();
  const dataDir = join(directory.path, 'made');
  mkdirSync(dataDir, { mode: 0o700 });
  writeFileSync(join(dataDir, 'users.sqlite'), '');
  chmodSync(join(dataDir, 'users.sqlite'), 0o644);
  const opened = await open(dataDir);
  await opened.writer.run({ kind: 'statement', sql: 'insert into kept values (1)', parameters: [] });
  const names = readdirSync(dataDir);
  expect(names).toEqual(expect.arrayContaining(['users.lock', 'users.sqlite', 'users.sqlite-shm', 'users.sqlite-wal']));
  for (const name of names) expect([name, modeOf(join(dataDir, name))]).toEqual([name, '600']);
  await opened.close();
});

test('makes a directory that only its user can enter', async () => {
  using directory = makeDirectory();
  const opened = await open(join(directory.path, 'made'));
  expect(modeOf(join(directory.path, 'made'))).toBe('700');
  await opened.close();
});

test.each([0o755, 0o750, 0o711, 0o702, 0o777])(
  'refuses a directory of mode %o, and says how to mend it',
  async (mode) => {
    using directory = makeDirectory();
    chmodSync(directory.path, mode);
    await expect(open(directory.path)).rejects.toThrow(
      `DATA_DIR: others on this machine can read or write ${directory.path} (mode ${mode.toString(8)}): chmod 700 ${directory.path}`,
    );
    expect(readdirSync(directory.path)).toEqual([]);
  },
);

// The administrator of a machine may write anywhere.
test.skipIf(process.getuid?.() === 0)('names the variable and the permission when it may not write', async () => {
  using directory = makeDirectory();
  chmodSync(directory.path, 0o500);
  await expect(open(directory.path)).rejects.toThrow(
    `DATA_DIR: the user ${process.getuid?.()} has no permission to read and write ${directory.path}`,
  );
  chmodSync(directory.path, 0o700);
});
