import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { beforeAll, afterAll, expect, it } from 'vitest';
import { ask, openRequest, type Rollcall, send, startRollcall } from './rollcall.ts';

const run = promisify(execFile);
let rollcall: Rollcall;
let folder: string;

beforeAll(async () => {
  rollcall = await startRollcall({ LOG_LEVEL: 'fatal' });
  folder = mkdtempSync(join(tmpdir(), 'rollcall-directory-'));
});
afterAll(async () => {
  await rollcall[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs curl against a gateway. */
async function curl(at: Rollcall, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run('curl', ['-sS', '--unix-socket', at.socketPath, ...args], { maxBuffer: 2 ** 26 });
  return stdout;
}

const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

it('curl -T imports a file of users, and says of each row what became of it', async () => {
  const file = join(folder, 'users.ndjson');
  const rows = [
    '{"user":{"id":"101","name":"Ada","email":"ada@example.com"}}',
    '{"id":9007199254740993,"name":"Grace"}',
    '{"id":"103","name":"Eve","age":151}',
    '{"user":{"id":"101","name":"Other"}}',
  ];
  writeFileSync(file, `${rows.join('\n')}\n`);
  const url = 'http://localhost/v1/users:import';
  const dry = linesOf(await curl(rollcall, '-T', file, '-X', 'POST', `${url}?dryRun=true`));
  const real = linesOf(await curl(rollcall, '-T', file, '-X', 'POST', url));
  expect(real).toEqual([
    { row: '1', outcome: 'OUTCOME_CREATED', id: '101', field: '', message: '' },
    { row: '2', outcome: 'OUTCOME_CREATED', id: '9007199254740993', field: '', message: '' },
    {
      row: '3',
      outcome: 'OUTCOME_FAILED',
      id: '103',
      field: 'user.age',
      message: 'must be greater than or equal to 0 and less than or equal to 150',
    },
    { row: '4', outcome: 'OUTCOME_FAILED', id: '101', field: 'user.id', message: 'another user has the id 101' },
  ]);
  expect(dry).toEqual(real);
  const again = linesOf(
    await curl(rollcall, '-T', file, '-X', 'POST', `${url}?onConflict=IMPORT_CONFLICT_UPDATE&afterRow=3`),
  );
  expect(again).toEqual([{ row: '4', outcome: 'OUTCOME_UPDATED', id: '101', field: '', message: '' }]);
});

it('an export piped into the import of an empty directory makes an equal one', { timeout: 60_000 }, async () => {
  await using other = await startRollcall({ LOG_LEVEL: 'fatal' });
  for (let id = 1; id <= 30; id += 1)
    await send(rollcall, 'POST', '/v1/users', { id: String(id), name: `user ${id}`, age: id });
  await send(rollcall, 'PATCH', '/v1/users/3', { name: 'Eve', age: null });
  const from = `curl -sS --unix-socket ${rollcall.socketPath} http://localhost/v1/users:export`;
  const to = `curl -sS --unix-socket ${other.socketPath} -T - -X POST http://localhost/v1/users:import`;
  const { stdout } = await run('sh', ['-c', `${from} | ${to}`]);
  expect(linesOf(stdout).every(({ outcome }) => outcome === 'OUTCOME_CREATED')).toBe(true);
  const exported = await curl(rollcall, 'http://localhost/v1/users:export');
  expect(linesOf(exported).length).toBeGreaterThanOrEqual(30);
  expect(await curl(other, 'http://localhost/v1/users:export')).toBe(exported);
});

it('answers the lines of an import before one that cannot be read, then names that one as the last', async () => {
  for (let first = 1000; first < 1100; first += 10) {
    const ids = Array.from({ length: 8 }, (_, index) => String(first + index));
    const request = openRequest(rollcall, '/v1/users:import', {
      verb: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
    });
    request.end(
      `${ids.map((id) => `{"id":"${id}","name":"Ann"}`).join('\n')}\n{"id":"${first + 9}","name":7}\n{"name":"behind it"}\n`,
    );
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(200);
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    response.on('error', () => undefined); // it has no end, so that nobody takes it for whole
    await new Promise((resolve) => response.on('close', resolve));
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.slice(0, -1)).toMatchObject(ids.map((id) => ({ id, outcome: 'OUTCOME_CREATED' })));
    expect(JSON.stringify(lines.at(-1))).toMatch(/"error":.*Line 9.*user\.name/);
  }
});

it('walks the pages by their Link, filtered, ordered and counted', async () => {
  for (let id = 301; id <= 325; id += 1)
    await send(rollcall, 'POST', '/v1/users', { id: String(id), name: `listed ${id % 10}`, type: 'USER_TYPE_GUEST' });
  const query = 'filter=type%20%3D%20GUEST%20AND%20name%3Alisted&orderBy=name%20desc,id&pageSize=10';
  const ids: string[] = [];
  let path: string | undefined = `/v1/users?${query}&showTotal=true`;
  let pages = 0;
  while (path !== undefined) {
    const { status, headers, text } = await ask(rollcall, path);
    expect(status).toBe(200);
    const page = JSON.parse(text) as { users: { id: string }[]; totalSize: string };
    expect(page.totalSize).toBe('25');
    ids.push(...page.users.map(({ id }) => id));
    path = /<(?<next>[^>]+)>; rel="next"/.exec(String(headers['link'] ?? ''))?.groups?.['next'];
    pages += 1;
  }
  expect(pages).toBe(3);
  expect(ids).toHaveLength(25);
  expect(new Set(ids).size).toBe(25);
  expect(ids[0]).toBe('309');
  for (const [wrong, field] of [
    ['pageSize=-1', 'pageSize'],
    ['filter=height%3E3', 'filter'],
    ['orderBy=height', 'orderBy'],
    ['pageToken=x', 'pageToken'],
  ] as const) {
    const { status, text } = await ask(rollcall, `/v1/users?${wrong}`);
    expect(status).toBe(400);
    expect((JSON.parse(text) as { fieldViolations: { field: string }[] }).fieldViolations[0]?.field).toBe(field);
  }
});

it('guards a change by If-Match, and reads by If-None-Match', async () => {
  await send(rollcall, 'POST', '/v1/users', { id: '401', name: 'Ada', email: 'ada401@example.com', age: 3 });
  const first = await ask(rollcall, '/v1/users/401');
  const etag = String(first.headers['etag']);
  const patch = (headers: Record<string, string>, body: object) =>
    ask(rollcall, '/v1/users/401', {
      verb: 'PATCH',
      headers: { 'content-type': 'application/merge-patch+json', ...headers },
      body: JSON.stringify(body),
    });
  const changed = await patch({ 'if-match': etag }, { age: null, name: 'Grace' });
  expect(changed.status).toBe(200);
  expect(JSON.parse(changed.text)).toMatchObject({ name: 'Grace', email: 'ada401@example.com' });
  expect(JSON.parse(changed.text)).not.toHaveProperty('age');
  expect((await patch({ 'if-match': etag }, { name: 'Eve' })).status).toBe(412);
  expect((await ask(rollcall, '/v1/users/401', { verb: 'DELETE', headers: { 'if-match': etag } })).status).toBe(412);
  // What is too long for an etag is none that a user has.
  for (const condition of [`"${'x'.repeat(64)}"`, `"${'x'.repeat(65)}"`]) {
    const headers = { 'if-match': condition };
    expect((await patch(headers, { name: 'Eve' })).status).toBe(412);
    expect((await ask(rollcall, '/v1/users/401', { verb: 'DELETE', headers })).status).toBe(412);
  }
  const now = String(changed.headers['etag']);
  expect((await ask(rollcall, '/v1/users/401', { headers: { 'if-none-match': now } })).status).toBe(304);
  expect((await ask(rollcall, '/v1/users/401', { headers: { 'if-none-match': etag } })).status).toBe(200);
});

it('deletes with a way back', async () => {
  await send(rollcall, 'POST', '/v1/users', { id: '501', name: 'Ada' });
  const deleted = await ask(rollcall, '/v1/users/501', { verb: 'DELETE' });
  expect(deleted.status).toBe(200);
  expect(JSON.parse(deleted.text)).toHaveProperty('purgeTime');
  expect((await ask(rollcall, '/v1/users/501')).status).toBe(200);
  expect((await send(rollcall, 'POST', '/v1/users/501:undelete', {})).status).toBe(200);
  expect(await send(rollcall, 'POST', '/v1/users/501:undelete', {})).toMatchObject({
    status: 400,
    json: { code: 'FAILED_PRECONDITION', reason: 'USER_NOT_DELETED' },
  });
});

it('gives the same Idempotency-Key its first answer', async () => {
  const create = (name: string) =>
    ask(rollcall, '/v1/users', {
      verb: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'a-key' },
      body: JSON.stringify({ name }),
    });
  const first = await create('Ada');
  expect(await create('Ada')).toMatchObject({ status: 201, text: first.text });
  expect((await create('Eve')).status).toBe(409);
});

it('gives the rows of an import with the same Idempotency-Key their first results', async () => {
  const rows = ['{"user":{"name":"Ida"}}', '{"users":[{"name":"Ida"},{"name":"Jo"}]}', '{"user":{"name":"Ida"}}'];
  const importRows = (lines: readonly string[]) =>
    ask(rollcall, '/v1/users:import', {
      verb: 'POST',
      headers: { 'content-type': 'application/x-ndjson', 'idempotency-key': 'an-import' },
      body: lines.join('\n'),
    });
  const first = await importRows(rows);
  expect(first.text.match(/OUTCOME_CREATED/g)).toHaveLength(4);
  expect(new Set(first.text.match(/"id":"\d+"/g)).size).toBe(4);
  expect((await importRows(rows)).text).toBe(first.text);
  expect((await importRows(['{"user":{"name":"Eve"}}'])).status).toBe(409);
});

/** Reads events of a stream until there are enough. */
async function events(path: string, count: number, headers: Record<string, string> = {}) {
  const request = openRequest(rollcall, path, { headers: { accept: 'text/event-stream', ...headers } });
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const found: { id: string; data: Record<string, unknown> }[] = [];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) {
    text += String(chunk);
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const { id, data } = /^id: (?<id>.+)\ndata: (?<data>.+)$/m.exec(text.slice(0, end))?.groups ?? {};
      text = text.slice(end + 2);
      if (id !== undefined && data !== undefined) found.push({ id, data: JSON.parse(data) as Record<string, unknown> });
    }
    if (found.length >= count) break;
  }
  request.destroy();
  return found;
}

it('watches over SSE, and goes on from Last-Event-ID', async () => {
  const filter = encodeURIComponent('name = "watched*"');
  const watching = events(`/v1/users:watch?filter=${filter}`, 4);
  await ask(rollcall, '/healthz');
  const [checkpoint] = await events(`/v1/users:watch?filter=${filter}`, 1);
  expect(checkpoint?.data['kind']).toBe('KIND_CHECKPOINT');
  await send(rollcall, 'POST', '/v1/users', { id: '601', name: 'watched' });
  await send(rollcall, 'POST', '/v1/users', { id: '602', name: 'other' });
  await send(rollcall, 'PATCH', '/v1/users/601', { name: 'unwatched' });
  await send(rollcall, 'POST', '/v1/users', { id: '603', name: 'watched too' });
  const seen = (await watching).filter(({ data }) => data['kind'] !== 'KIND_CHECKPOINT');
  const resumed = await events(`/v1/users:watch?filter=${filter}`, 4, { 'last-event-id': checkpoint?.id ?? '' });
  expect(resumed.map(({ data }) => data['kind'])).toEqual([
    'KIND_CREATED',
    'KIND_UPDATED',
    'KIND_CREATED',
    'KIND_CHECKPOINT',
  ]);
  expect(resumed.slice(0, seen.length)).toEqual(seen);
  const behind = await events(`/v1/users:watch?filter=${filter}`, 2, { 'last-event-id': resumed[1]?.id ?? '' });
  expect(behind[0]).toEqual(resumed[2]);
  const gone = await ask(rollcall, '/v1/users:watch?resumeToken=00000000-1');
  expect([gone.status, (JSON.parse(gone.text) as { reason: string }).reason]).toEqual([400, 'RESUME_TOKEN_GONE']);
});
