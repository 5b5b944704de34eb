import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask, openRequest, type Rollcall, send, startRollcall } from './rollcall.ts';

let rollcall: Rollcall;
beforeAll(async () => {
  rollcall = await startRollcall();
}, 30_000);
afterAll(() => rollcall[Symbol.asyncDispose]());

const named = (fields: string): string => `{"name":"Ada",${fields}}`;

it.each([
  ['an unknown field', named('"colour":"red"'), 400, 'user.colour'],
  ['a wrong type', named('"age":"old"'), 400, 'user.age'],
  ['a number out of range', named('"age":151'), 400, 'user.age'],
  ['an id beyond 2^63-1', named('"id":"9223372036854775808"'), 400, 'user.id'],
  ['a name that is missing', '{}', 400, 'user.name'],
  ['a name of 201 characters', `{"name":"${'x'.repeat(201)}"}`, 400, 'user.name'],
  ['a NUL in a name', '{"name":"a\\u0000b"}', 400, 'user.name'],
  ['a NUL in an email address', named('"email":"a\\u0000@example.com"'), 400, 'user.email'],
  ['what is no email address', named('"email":"nobody"'), 400, 'user.email'],
  ['an unknown type', named('"type":"KING"'), 400, 'user.type'],
  ['a type beyond the enum', named('"type":9'), 400, 'user.type'],
  ['bytes that are not UTF-8', Buffer.from('7b226e616d65223a22c328227d', 'hex'), 400, 'UTF-8'],
  ['a body of 10 MB', `{"name":"${'x'.repeat(10_000_000)}"}`, 413, '1048576 bytes'],
  ['JSON nested 10,000 deep', `{"name":${'['.repeat(10_000)}`, 400, 'nested'],
  ['a key __proto__', '{"name":"Ada","__proto__":{"age":1}}', 400, '__proto__'],
  ['what is no JSON', 'name=Ada', 400, 'JSON'],
])('%s is refused with 4xx that names it', async (_, body, status, words) => {
  const answer = await ask(rollcall, '/v1/users', {
    verb: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  expect([answer.status, answer.headers['content-type']]).toEqual([status, 'application/problem+json']);
  expect(answer.text).toContain(words);
});

it.each([
  ['/v1/users/abc', 400, 'id'],
  ['/v1/users/0', 400, 'id'],
  ['/v1/users/%ff', 400, ''],
  ['/v1/users:batchGet?ids=1&ids=two', 400, 'ids[1]'],
  ['/v1/users:batchGet', 400, 'ids'],
  [`/v1/users:batchGet?${'ids=1&'.repeat(1001)}`, 400, 'ids'],
  [`/v1/users:batchGet?${'ids=1&'.repeat(10_000)}`, 414, '8192 bytes'],
  ['/v1/users:export?types=USER_TYPE_KING', 400, 'types[0]'],
  ['/v1/nothing', 404, 'NOT_FOUND'],
  ['/v1/users/77', 404, 'USER_NOT_FOUND'],
])('GET %.60s is refused', async (path, status, words) => {
  const answer = await ask(rollcall, path);
  expect([answer.status, answer.headers['content-type']]).toEqual([status, 'application/problem+json']);
  expect(answer.text).toContain(words);
});

it('a thousand ids are taken in the body of a POST, which a URL has no room for', async () => {
  const ids = Array.from({ length: 1000 }, (_, at) => String(2n ** 62n + BigInt(at)));
  const asked = await send(rollcall, 'POST', '/v1/users:batchGet', { ids });
  expect([asked.status, asked.json['missingIds']]).toEqual([200, ids]);
  const more = await send(rollcall, 'POST', '/v1/users:batchGet', { ids: [...ids, '1'] });
  expect(more.status).toBe(400);
});

it('a wrong verb is 405 with Allow', async () => {
  const { status, headers } = await ask(rollcall, '/v1/users', { verb: 'PUT' });
  expect([status, headers.allow]).toEqual([405, 'GET, HEAD, POST']);
});

it('a stream with one bad line names the line, behind the answers to the lines before it', async () => {
  const body = '{"id":1}\n{"id":"x"}\n{"id":3}\n';
  const counted = await ask(rollcall, '/v1/users:countExisting', { verb: 'POST', body });
  expect([counted.status, counted.text]).toEqual([400, expect.stringContaining('Line 2: id')]);
  const request = openRequest(rollcall, '/v1/users:lookup', { verb: 'POST' });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  response.on('error', () => undefined); // it has no end, so that nobody takes it for whole
  await new Promise((resolve) => response.on('close', resolve));
  expect(text.trim().split('\n')).toEqual([
    expect.stringContaining('{"id":"1","found":'),
    expect.stringContaining('Line 2: id'),
  ]);
});

it('nothing of all this was stored, and both processes answer', async () => {
  expect(
    await lastValueFrom(rollcall.users.exportUsers({ types: [], afterId: '0', filter: '' }).pipe(toArray())),
  ).toSatisfy((messages: { users: object[] }[]) => messages.every(({ users }) => users.length === 0));
  expect((await ask(rollcall, '/readyz')).status).toBe(200);
  const { user } = await firstValueFrom(
    rollcall.users.createUser({
      user: {
        name: 'Ada',
        email: '',
        id: '0',
        type: 0,
        createTime: null,
        updateTime: null,
        deleteTime: null,
        purgeTime: null,
        etag: '',
      },
      requestId: '',
    }),
  );
  expect(user?.id).toBe('1');
});
