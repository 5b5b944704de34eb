import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { makeDirectory } from '@rollcall/test-servers';
import { expect, test } from 'vitest';
import { createUser as creation } from '../../src/users/create-user.ts';
import type { Database } from '../../src/store/engine/database.ts';
import { type Head, headText, noHead, sealOf } from '../../src/store/audit/chain.ts';
import { decodeEntry, encodeEntry } from '../../src/store/audit/entry.ts';
import { auditCuts, auditPages, type AuditRow } from '../../src/store/audit/pages.ts';
import type { Engine } from '../../src/store/engine/engine.ts';
import { verifyChain } from '../../src/audit/verify-chain.ts';
import { testedEngine } from '../engines.ts';
import { createUser, environmentOf, makeDatabase, newUser, openStore, spawnService } from '../service.ts';

const ofCaller = (callerId: string) => ({
  callerId,
  credential: 'token',
  method: 'a.Service.Method',
  address: '10.0.0.1',
  requestId: 'request',
});

/** A log of six entries: four of writes, and two of denied calls. */
async function openLog() {
  const opened = await openStore();
  const { store } = opened;
  for (const name of ['Ada', 'Bob', 'Eve', 'Kim']) await store.write(creation(newUser({ name }), ''));
  for (const callerId of ['5', '6']) store.audit.denied({ ...ofCaller(callerId), code: 7, reason: 'no' });
  await store.audit.flush();
  return opened;
}

/** What is wrong with the log, or its head. */
async function verdict({ db }: Engine, noted: readonly Head[] = []): Promise<string> {
  const evidence = { noted, cuts: await auditCuts(db) };
  return verifyChain(auditPages(db), evidence).then(
    ({ head }) => headText(head),
    (error: Error) => error.message,
  );
}

/** Takes away what keeps the log from being changed, as an owner of the database can. */
async function unlock({ db, name }: Engine): Promise<void> {
  if (name === 'postgres') await sql`drop trigger audit_append_only on audit`.execute(db);
  if (name === 'postgres') await sql`drop trigger audit_removes_cuts_alone on audit`.execute(db);
  else for (const number of [1, 2, 3]) await sql.raw(`drop trigger audit_append_only_${number}`).execute(db);
}

/** Writes the log anew. */
async function replace({ db }: Engine, rows: readonly AuditRow[]): Promise<void> {
  await db.deleteFrom('audit').execute();
  await db
    .insertInto('audit')
    .values([...rows])
    .execute();
}

/** The rows with the hashes that follow from what they say. */
function sealed(rows: readonly AuditRow[]): AuditRow[] {
  let hash: Uint8Array = new Uint8Array(32);
  return rows.map((row) => ({ ...row, hash: (hash = sealOf(hash, row.entry)) }));
}

function forged(seq: bigint): AuditRow {
  const entry = encodeEntry(seq, 1n, ofCaller('9'));
  return { seq, time_ms: 1n, caller_id: 9n, denied: 0n, entry, hash: new Uint8Array(32) };
}

test('is in order as it was written, and its head is the last entry', async () => {
  await using opened = await openLog();
  const head = await opened.store.audit.head();
  expect(head.seq).toBe(6n);
  expect(await verdict(opened.engine, [head])).toBe(headText(head));
});

test('has a head before its first entry', async () => {
  await using opened = await openStore();
  expect(await verdict(opened.engine)).toBe(`0:${'0'.repeat(64)}`);
  expect(headText(await opened.store.audit.head())).toBe(`0:${'0'.repeat(64)}`);
});

test.each<[what: string, tamper: (rows: AuditRow[]) => AuditRow[], verdict: RegExp]>([
  [
    'says something else',
    (rows) => rows.with(2, { ...forged(3n), hash: rows[2]?.hash ?? Buffer.of() }),
    /^entry 3 was changed: its hash/,
  ],
  [
    'says something else, with its hash',
    (rows) => [...sealed(rows.with(2, forged(3n))).slice(0, 3), ...rows.slice(3)],
    /^entry 4 was changed/,
  ],
  [
    'is no entry',
    (rows) => sealed(rows.with(5, { ...forged(6n), entry: Buffer.of(0xff) })),
    /^entry 6 was changed: its columns/,
  ],
  [
    'is listed under another caller',
    (rows) => rows.map((row) => ({ ...row, caller_id: row.seq === 5n ? 8n : row.caller_id })),
    /^entry 5 was changed: its columns/,
  ],
  [
    'is not listed as denied',
    (rows) => rows.map((row) => ({ ...row, denied: 0n })),
    /^entry 5 was changed: its columns/,
  ],
  [
    'has another time',
    (rows) => rows.map((row) => ({ ...row, time_ms: row.time_ms + (row.seq === 2n ? 1n : 0n) })),
    /^entry 2 was changed: its columns/,
  ],
  ['is missing at the beginning', (rows) => rows.slice(1), /^entry 1 is missing$/],
  ['is missing in the middle', (rows) => rows.toSpliced(2, 1), /^entry 3 is missing$/],
  [
    'is missing, with those behind it moved up',
    (rows) => rows.toSpliced(2, 1).map((row, index) => ({ ...row, seq: BigInt(index + 1) })),
    /^entry 3 was changed/,
  ],
  [
    'is in the place of another',
    (rows) => [1, 3, 2, 4, 5, 6].map((seq, index) => ({ ...(rows[seq - 1] ?? forged(0n)), seq: BigInt(index + 1) })),
    /^entry 2 was changed/,
  ],
  [
    'is in the place of another, with new hashes',
    (rows) =>
      sealed([1, 3, 2, 4, 5, 6].map((seq, index) => ({ ...(rows[seq - 1] ?? forged(0n)), seq: BigInt(index + 1) }))),
    /^entry 2 was changed: its columns/,
  ],
  [
    'was put between two others',
    (rows) => rows.toSpliced(3, 0, forged(4n)).map((row, index) => ({ ...row, seq: BigInt(index + 1) })),
    /^entry 4 was changed/,
  ],
  ['was put at the end', (rows) => [...rows, forged(7n)], /^entry 7 was changed/],
])('finds an entry that %s', async (_, tamper, expected) => {
  await using opened = await openLog();
  const { engine } = opened;
  await unlock(engine);
  const rows = await engine.db.selectFrom('audit').selectAll().orderBy('seq').execute();
  await replace(engine, tamper(rows));
  expect(await verdict(engine)).toMatch(expected);
});

test('finds by a head that was noted that the end was cut off, or the log was written anew', async () => {
  await using opened = await openLog();
  const { engine } = opened;
  await unlock(engine);
  const rows = await engine.db.selectFrom('audit').selectAll().orderBy('seq').execute();
  const [third, last] = [rows[2] ?? noHead, rows[5] ?? noHead];
  await replace(engine, rows.slice(0, 4));
  expect(await verdict(engine)).toMatch(/^4:/);
  expect(await verdict(engine, [third])).toMatch(/^4:/);
  expect(await verdict(engine, [last, third])).toBe('entry 5 is missing: the log was cut, for the entry 6 was noted');
  await replace(engine, sealed(rows.with(1, forged(2n))));
  expect(await verdict(engine)).toMatch(/^6:/);
  expect(await verdict(engine, [last])).toMatch(/^entry 6 is not the one whose hash was noted/);
  expect(await verdict(engine, [last, third])).toMatch(/^entry 3 is not the one whose hash was noted/);
});

test('goes on from the last entry after a restart', async () => {
  await using database = await makeDatabase();
  for (const name of ['Ada', 'Bob']) {
    await using opened = await openStore({}, database);
    await opened.store.write(creation(newUser({ name }), ''));
  }
  await using opened = await openStore({}, database);
  expect(await verdict(opened.engine)).toMatch(/^2:/);
});

test('finds without a noted head that the log was emptied, or cut off before the last change', async () => {
  await using opened = await openLog();
  const { engine } = opened;
  await unlock(engine);
  const { ms } = await engine.db
    .selectFrom('changes')
    .select((is) => is.fn.max('commit_time_ms').as('ms'))
    .executeTakeFirstOrThrow();
  expect((await verifyChain(auditPages(engine.db), { lastChangeMs: ms })).head.seq).toBe(6n);
  await engine.db.deleteFrom('audit').execute();
  await expect(verifyChain(auditPages(engine.db), { lastChangeMs: ms })).rejects.toThrow(
    'entry 1 is missing: the directory has changed since the last one',
  );
});

const dayMs = 24 * 60 * 60 * 1000;

/** A log over several days: on each two writes, and three denied calls between them. */
async function openOldLog(days: number) {
  let now = Date.now() - days * dayMs;
  const opened = await openStore({ now: () => now, keepAudit: { keepMs: 100 * dayMs, keepDeniedMs: 10 * dayMs } });
  const { store } = opened;
  for (let day = 0; day < days; day += 1, now += dayMs) {
    await store.write(creation(newUser({ name: 'Ada' }), ''));
    for (const callerId of ['5', '6', '7']) store.audit.denied({ ...ofCaller(callerId), code: 7, reason: 'no' });
    store.audit.denied({ ...ofCaller('7'), code: 7, reason: 'no' });
    await store.audit.flush();
    await store.write(creation(newUser({ name: 'Bob' }), ''));
  }
  return opened;
}

test('is shortened by what was kept for long enough, denied calls before the others, and stays provable', async () => {
  await using opened = await openOldLog(200);
  const { engine, store } = opened;
  const noted = await store.audit.head();
  const [third] = await engine.db.selectFrom('audit').select(['seq', 'hash']).where('seq', '=', 3n).execute();
  await store.maintenance.run();
  const kept = await engine.db.selectFrom('audit').selectAll().orderBy('seq').execute();
  const denied = kept.filter((row) => row.denied === 1n);
  expect(kept.length - denied.length).toBeGreaterThanOrEqual(200);
  expect(kept.length - denied.length).toBeLessThan(230);
  expect(denied.length).toBeGreaterThanOrEqual(30);
  expect(denied.length).toBeLessThan(40);
  const verified = await verifyChain(auditPages(engine.db), {
    noted: [noted, third ?? noHead],
    cuts: await auditCuts(engine.db),
  });
  expect(verified.unseen).toEqual([third]);
  expect(verified.head.seq).toBeGreaterThan(noted.seq);
  const { rows } = await store.audit.page({ callerId: 0n, deniedOnly: false }, undefined, 1000);
  const cuts = rows.flatMap(({ entry }) => decodeEntry(entry).cuts);
  expect(cuts.at(-1)).toMatchObject({ firstSeq: '1' });
  // Four calls a day were denied, of which three entries tell, and two users were created.
  const ofDenied = cuts.find(({ firstSeq, lastSeq }) => firstSeq !== '1' && Number(lastSeq) - Number(firstSeq) === 2);
  expect(ofDenied).toMatchObject({ calls: '4' });
  // It goes on from there, and nothing more is due.
  await store.write(creation(newUser({ name: 'Eve' }), ''));
  await store.maintenance.run();
  expect(await verdict(engine, [noted])).toMatch(new RegExp(`^${verified.head.seq + 1n}:`));
});

test.each<[what: string, tamper: (engine: Engine) => Promise<unknown>, verdict: RegExp]>([
  [
    'removed entries that no entry tells of',
    async ({ db }) => {
      const [row] = await db.selectFrom('audit').selectAll().orderBy('seq').limit(1).execute();
      if (row === undefined) throw new Error('there is no entry');
      await db
        .updateTable('audit_cuts')
        .set({ last_seq: row.seq, hash: row.hash })
        .where('first_seq', '=', 1n)
        .execute();
      await db.deleteFrom('audit').where('seq', '=', row.seq).execute();
    },
    /^entry 1 is missing: it was removed, and no entry tells of that$/,
  ],
  [
    'put another hash where entries were removed',
    ({ db }) =>
      db
        .updateTable('audit_cuts')
        .set({ hash: Buffer.alloc(32) })
        .execute(),
    /was changed: its hash/,
  ],
  ['forgot where entries were removed', ({ db }) => db.deleteFrom('audit_cuts').execute(), /^entry 1 is missing$/],
])('finds that somebody %s', async (_, tamper, expected) => {
  await using opened = await openOldLog(120);
  const { engine, store } = opened;
  await store.maintenance.run();
  await tamper(engine);
  expect(await verdict(engine)).toMatch(expected);
});

const attempts = {
  sqlite: [
    'update audit set caller_id = 1 where seq = 2',
    'delete from audit where seq = 2',
    'delete from audit',
    'insert or replace into audit select 2, time_ms, 1, denied, entry, hash from audit where seq = 2',
    'insert into audit select 8, time_ms, 1, denied, entry, hash from audit where seq = 2',
  ],
  postgres: [
    'update audit set caller_id = 1 where seq = 2',
    'delete from audit where seq = 2',
    'delete from audit',
    'truncate audit',
    'insert into audit select * from audit where seq = 2 on conflict (seq) do update set caller_id = 1',
  ],
};

test.each(attempts[testedEngine])('refuses to: %s', async (statement) => {
  await using opened = await openLog();
  await expect(sql.raw(statement).execute(opened.engine.db)).rejects.toThrow('the audit log is only appended to');
  expect(await verdict(opened.engine)).toMatch(/^6:/);
});

/** The file alone, elsewhere. On a server the database itself. */
function copyOf(database: Database, path: string): Database {
  if (database.engine === 'postgres') return database;
  cpSync(join(database.dataDir, 'users.sqlite'), join(path, 'users.sqlite'));
  return { engine: 'sqlite', dataDir: path };
}

/** Runs the command that verifies. */
async function runVerify(database: Database, ...words: string[]): Promise<{ code: unknown; out: string }> {
  const main = fileURLToPath(new URL('../../dist/verify-audit.js', import.meta.url));
  const env = { ...environmentOf(database), PATH: process.env['PATH'] };
  const child = spawn(process.execPath, [main, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const [code] = await once(child, 'close');
  return { code, out };
}

test(
  'the command verifies while the service writes, a copy too, and says what is broken',
  { timeout: 120_000 },
  async () => {
    await using database = await makeDatabase();
    await using service = await spawnService(database);
    await Promise.all(Array.from({ length: 60 }, () => createUser(service.users, {})));
    const writing = Promise.all(Array.from({ length: 60 }, () => createUser(service.users, {})));
    const { code, out } = await runVerify(database);
    const { head = '' } = /^\d+ entries, the last is (?<head>\d+:[0-9a-f]{64})$/m.exec(out)?.groups ?? {};
    expect(out).toContain('no head was compared: that the end of the log was cut off cannot be seen');
    const [seq, hex = ''] = head.split(':');
    const inBase64 = `${seq}:${Buffer.from(hex, 'hex').toString('base64')}`;
    expect(code).toBe(0);
    await writing;
    const wrong = `120:${'0'.repeat(64)}`;
    const [right, broken] = await Promise.all([
      runVerify(database, '--head', inBase64),
      runVerify(database, '--head', head, '--head', wrong),
    ]);
    expect(right).toMatchObject({ code: 0, out: expect.stringMatching(/^120 entries/) });
    expect(broken).toEqual({
      code: 1,
      out: 'entry 120 is not the one whose hash was noted: the log was rewritten up to it\n',
    });
    await service.end('SIGTERM');
    using directory = makeDirectory();
    const copy = copyOf(database, directory.path);
    expect(await runVerify(copy, '--head', head)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^120 entries/),
    });
  },
);

test('the command says when there is nothing to verify, or what it was told is no head', async () => {
  using directory = makeDirectory();
  const nowhere: Database = { engine: 'sqlite', dataDir: directory.path };
  expect(await Promise.all([runVerify(nowhere), runVerify(nowhere, '--head', '17')])).toEqual([
    { code: 2, out: `DATA_DIR: there is no ${directory.path}/users.sqlite\n` },
    { code: 2, out: '"17" is no number and hash such as 17:9f86…\n' },
  ]);
});
