import { toJson } from '@bufbuild/protobuf';
import { RpcError } from '@rollcall/grpc';
import { type Contract, bindingsOf } from '@rollcall/contract';
import { rollcallContract } from '@rollcall/proto';
import { testingContract } from '@rollcall/contract/testing';
import { describe, expect, it } from 'vitest';
import { problemOf } from '../../src/problem/problem.ts';
import { parseQuery } from '../../src/request/query.ts';
import { type RequestParts, RequestReader } from '../../src/request/reader.ts';
import { conventionsOf } from '../../src/conventions/aip.ts';

/** Reads requests of the binding `VERB /template` of a contract. */
function readerOf(
  contract: Contract,
  name: string,
  what = 'The body',
): (body?: string, parts?: Partial<RequestParts>) => unknown {
  const bindings = [...contract.methods.values()].flatMap(bindingsOf);
  const binding = bindings.find(({ verb, template }) => `${verb} ${template.source}` === name);
  if (binding === undefined) throw new Error(`there is no ${name}`);
  const reader = new RequestReader(binding, conventionsOf(binding, bindings), contract.registry);
  return (body, parts) => {
    const message = reader.read(
      { segments: [], query: [], headers: {}, ...parts },
      body === undefined ? undefined : Buffer.from(body),
      what,
    );
    return toJson(binding.method.input, message, { registry: contract.registry });
  };
}

/** What is told of a request that is refused. */
function refusal(read: () => unknown): { fields: string[]; detail: string } {
  try {
    read();
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    const { fieldViolations = [], detail } = problemOf(error, 'r');
    return { fields: fieldViolations.map(({ field }) => field), detail };
  }
  return { fields: [], detail: 'it was taken' };
}

const echo = readerOf(testingContract, 'POST /v1/books:echo');
const list = readerOf(testingContract, 'GET /v1/books');
const getUser = readerOf(rollcallContract, 'GET /v1/users/{id}');
const createUser = readerOf(rollcallContract, 'POST /v1/users');
const patchUser = readerOf(rollcallContract, 'PATCH /v1/users/{user.id}');
const importUsers = readerOf(rollcallContract, 'POST /v1/users:import');
const sendNote = readerOf(rollcallContract, 'POST /v1/rooms/{room}/notes');
const query = (text: string): Partial<RequestParts> => ({ query: parseQuery(text) });
const user = (id: string): Partial<RequestParts> => ({ segments: ['v1', 'users', id] });

describe('ProtoJSON is read by its grammar', () => {
  it.each([
    ['aInt32', '"0x24"'],
    ['aInt32', '"0b11"'],
    ['aInt32', '"+36"'],
    ['aInt32', '" 36"'],
    ['aInt32', '"36\\n"'],
    ['aInt32', '"036"'],
    ['aInt32', '""'],
    ['aInt32', '1.5'],
    ['aInt32', '"1e-1"'],
    ['aInt32', '1e400'],
    ['aInt64', '"0x1"'],
    ['aInt64', '" 1"'],
    ['aInt64', '"1_000"'],
    ['aInt64', '9223372036854775808'],
    ['aUint64', '-1'],
    ['aUint64', '18446744073709551616'],
    ['aUint64', '9007199254740992.5'],
    ['aDouble', '"0x10"'],
    ['aDouble', '""'],
    ['aDouble', '"1e999"'],
    ['aDouble', '" 1"'],
    ['aFloat', '3.5e38'],
    ['aBool', '"true"'],
    ['aBool', '1'],
    ['aString', '1'],
    ['aBytes', '"AQ I="'],
    ['aBytes', '"A"'],
    ['aBytes', '"AQI==="'],
    ['genre', '"1"'],
    ['genre', '1.5'],
    ['time', '"2026-02-30T00:00:00Z"'],
    ['time', '"2025-02-29T00:00:00Z"'],
    ['time', '"2026-04-31T00:00:00Z"'],
    ['time', '"2026-01-01T24:00:00Z"'],
    ['time', '"2026-01-01t00:00:00z"'],
    ['time', '"2026-01-01T00:00:00"'],
    ['time', '"2026-01-01"'],
    ['time', '"2026-01-01T00:00:00.1234567890Z"'],
    ['time', '"0000-01-01T00:00:00Z"'],
    ['time', '"0001-01-01T00:00:00+01:00"'],
    ['duration', '"1sfoo"'],
    ['duration', '"1.5s x"'],
    ['duration', '"01s"'],
    ['duration', '"+1s"'],
    ['duration', '"1"'],
    ['duration', '"315576000001s"'],
    ['mask', '"a..b"'],
    ['mask', '","'],
    ['mask', '"a_double"'],
    ['mask', '"a, b"'],
    ['wrappedInt64', '"0x1"'],
    ['wrappedBool', '"true"'],
    ['doubles', '["0x1"]'],
    ['counts', '{"a":"0x1"}'],
    ['byNumber', '{"0x1":{}}'],
    ['byNumber', '{" 1":{}}'],
  ])('%s takes no %s', (field, value) => {
    expect(refusal(() => echo(`{"book":{"${field}":${value}}}`)).fields[0]).toMatch(new RegExp(`^book\\.${field}`));
  });

  it.each<[string, string, unknown]>([
    ['aInt32', '"1e2"', 100],
    ['aInt32', '1.0', 1],
    ['aInt64', '"1e0"', '1'],
    ['aInt64', '"-1.0"', '-1'],
    ['aInt64', '1e3', '1000'],
    ['aUint64', '9007199254740993.0', '9007199254740993'],
    ['aUint64', '9.007199254740993e15', '9007199254740993'],
    ['aUint64', '"18446744073709551615"', '18446744073709551615'],
    ['aDouble', '"-1.5e3"', -1500],
    ['aDouble', '12345678901234567890', 12345678901234567000],
    ['aBytes', '"-_8"', '+/8='],
    ['genre', '2e0', 'GENRE_PROSE'],
    ['time', '"2024-02-29T23:59:59.000000001+23:59"', '2024-02-29T00:00:59.000000001Z'],
    ['time', '"0001-01-01T00:00:00Z"', '0001-01-01T00:00:00Z'],
    ['duration', '"-0.5s"', '-0.500s'],
    ['duration', '"315576000000s"', '315576000000s'],
    ['mask', '"aDouble,author.born"', 'aDouble,author.born'],
    ['value', '{"a":[1e2,null]}', { a: [100, null] }],
    [
      'any',
      '{"@type":"x/google.protobuf.Duration","value":"1s"}',
      { '@type': 'x/google.protobuf.Duration', value: '1s' },
    ],
  ])('%s takes %s', (field, value, expected) => {
    expect(echo(`{"book":{"${field}":${value}}}`)).toEqual({ book: { [field]: expected } });
  });

  it('an object that names a member twice is refused, in whatever letters it is written', () => {
    expect(refusal(() => createUser('{"name":"A","name":"B"}')).detail).toBe(
      'The body names "name" twice in one object.',
    );
    expect(refusal(() => createUser('{"name":"A","na\\u006de":"B"}')).detail).toContain('twice in one object');
    expect(refusal(() => echo('{"book":{"counts":{"a":1,"a":2}}}')).detail).toContain('names "a" twice');
    expect(echo('{"book":{"author":{"name":"a:b"},"name":"{\\":"}}')).toBeDefined();
  });

  it.each(['"9', '9', '0.', '1e'])(
    'a number of a million digits that begins with %s is refused within a moment',
    (begin) => {
      const digits = `${begin}${'9'.repeat(1_000_000)}${begin.startsWith('"') ? '"' : ''}`;
      const before = process.cpuUsage();
      const { fields } = refusal(() => createUser(`{"name":"A","id":${digits}}`));
      const { user: micros } = process.cpuUsage(before);
      expect(fields).toEqual(['user.id']);
      expect(micros).toBeLessThan(300_000); // seconds, before
    },
  );
});

describe('words of paths, queries and headers', () => {
  it.each([
    '0x1',
    '%201',
    '0b1',
    '+1',
    '0o1',
    '1%20',
    '01',
    '0X1',
    '%0a1',
    '1e0',
    '1.0',
    '%20',
    '%09',
    '',
    '001',
    '1_0',
  ])('a user has no path /v1/users/%s', (id) => {
    expect(refusal(() => getUser(undefined, user(id)))).toEqual({
      fields: ['id'],
      detail: 'id: must be a whole number from 0 to 18446744073709551615',
    });
  });

  it.each(['pageSize=0x2', 'pageSize=0b10', 'pageSize=1.0', 'pageSize=+1', 'copies=0x1', 'pageSize='])(
    'a query has no %s',
    (text) => {
      expect(refusal(() => list(undefined, query(text))).fields).toEqual([text.split('=')[0]]);
    },
  );

  it('base64 with a plus that the query made a space of is refused', () => {
    expect(refusal(() => list(undefined, query('fingerprint=+/+/'))).fields).toEqual(['fingerprint']);
    expect(list(undefined, query('fingerprint=%2B/%2B/'))).toEqual({ fingerprint: '+/+/' });
  });

  it('what is wrong with a header is told by its name', () => {
    const exportUsers = readerOf(rollcallContract, 'GET /v1/users:export');
    for (const id of ['0x1', ' 3', '1e0'])
      expect(refusal(() => exportUsers(undefined, { headers: { 'last-event-id': id } })).fields).toEqual([
        'Last-Event-ID',
      ]);
    const { fields, detail } = refusal(() => createUser('{"name":"A"}', { headers: { 'idempotency-key': 'a b' } }));
    expect([fields, detail.split(':')[0]]).toEqual([['Idempotency-Key'], 'Idempotency-Key']);
  });

  it('sentences call fields as callers of REST do', () => {
    expect(refusal(() => list(undefined, query('page_size=-1'))).detail).toMatch(/^pageSize: /);
  });
});

describe('bounds', () => {
  it('numbers have 700 characters at the most', () => {
    const number = (length: number): string => `{"book":{"aDouble":0.${'5'.repeat(length - 2)}}}`;
    expect(refusal(() => echo(number(700))).fields).toEqual([]);
    expect(refusal(() => echo(number(701))).fields).toEqual(['book.aDouble']);
  });

  it.each(['DELETE /v1/users/{id}', 'POST /v1/users/{id}:undelete'])(
    'If-Match with an etag of 64 characters is taken for %s, and one of more refused, naming the header',
    (name) => {
      const read = readerOf(rollcallContract, name);
      const body = name.startsWith('DELETE') ? undefined : '{}';
      const withEtag = (length: number) => refusal(() => read(body, { ...user('7'), etag: 'x'.repeat(length) }));
      expect(withEtag(64).detail).toBe('it was taken');
      expect(withEtag(65)).toEqual({ fields: ['If-Match'], detail: expect.stringMatching(/^If-Match: .*64/) });
    },
  );

  it.each(['\0', '\x1f', '\x7f', '\x80', '\x85', '\x9f', '\u061c', '\u200e', '\u2028', '\u202e', '\u2066', '\u2069'])(
    'the name %j is refused: control characters and those that change the direction of text',
    (character) => {
      const named = (name: string) => refusal(() => createUser(JSON.stringify({ name })));
      expect(named(`Ada${character}Lovelace`).fields).toEqual(['user.name']);
      expect(named(character).fields).toEqual(['user.name']);
    },
  );

  it.each([' ', '~', '\xa0', '\u061b', '\u061d', '\u200d', '\u2027', '\u202f', '\u2065', '\u206a', '😀'])(
    'the name %j is taken: it is next to those that are refused',
    (character) => {
      const named = (name: string) => refusal(() => createUser(JSON.stringify({ name })));
      expect(named(`Ada${character}Lovelace`).detail).toBe('it was taken');
    },
  );

  it('JSON is nested 100 levels deep at the most', () => {
    const nested = (levels: number): string => `{"book":{"value":${'['.repeat(levels - 2)}${']'.repeat(levels - 2)}}}`;
    expect(refusal(() => echo(nested(100))).detail).toBe('it was taken');
    expect(refusal(() => echo(nested(101))).detail).toBe('The body is nested deeper than 100 levels.');
  });

  it('a refusal names 16 fields at the most', () => {
    const wrong = (count: number): string =>
      `{"book":{"numbers":[${Array.from({ length: count }, () => '""').join()}]}}`;
    expect(refusal(() => echo(wrong(16))).fields).toHaveLength(16);
    expect(refusal(() => echo(wrong(17))).fields).toHaveLength(16);
  });
});

describe('what is no JSON', () => {
  const importLine = readerOf(rollcallContract, 'POST /v1/users:import', 'Line 3');

  it('is told by its line, with what a body may be', () => {
    expect(refusal(() => importLine('{"user":')).detail).toMatch(
      /^Line 3 is not JSON: .*\. A body has a message a line, or is an array of messages\.$/,
    );
    expect(refusal(() => createUser('{"name":')).detail).toMatch(/^The body is not JSON: [^.]*\.$/);
  });
});

describe('a field that comes from two places', () => {
  it.each(['[]', 'null', '"x"', '5', 'true', '[null]', '[{"name":"Eve"}]'])('a patch of %s is refused', (body) => {
    expect(refusal(() => patchUser(body, user('1'))).detail).toBe('The body is no JSON object.');
    expect(refusal(() => createUser(body)).detail).toBe('The body is no JSON object.');
  });

  it('path and body have to agree, in whatever form the body has it', () => {
    expect(patchUser('{"id":1,"age":36}', user('1'))).toEqual({ user: { id: '1', age: 36 }, updateMask: 'age' });
    expect(patchUser('{"id":"1.0","age":36}', user('1'))).toEqual({ user: { id: '1', age: 36 }, updateMask: 'age' });
    expect(patchUser('{"id":null,"age":36}', user('1'))).toEqual({ user: { id: '1', age: 36 }, updateMask: 'age' });
    const { fields, detail } = refusal(() => patchUser('{"id":"2"}', user('1')));
    expect([fields, detail]).toEqual([['user.id'], 'user.id: is "1" in the path and something else in the body']);
  });

  it('the JSON that was got is a patch that changes nothing else', () => {
    const got = {
      id: '1',
      name: 'Ada',
      email: 'ada@example.com',
      age: 36,
      type: 'USER_TYPE_NORMAL',
      createTime: '2026-01-02T03:04:05Z',
      updateTime: '2026-01-02T03:04:05Z',
      etag: 'abc',
    };
    expect(patchUser(JSON.stringify(got), user('1'))).toEqual({ user: got, updateMask: 'name,email,age,type' });
  });

  it.each([
    ['{"user":{"name":"A"},"dryRun":true}', 'dryRun=false', 'dryRun'],
    ['{"user":{"name":"A"},"dry_run":true}', 'dryRun=true', 'dryRun'],
    ['{"user":{"name":"A"}}', 'user.name=Bq', 'user.name'],
    ['{"name":"A"}', 'user.name=Bq', 'user.name'],
    ['{"user":5}', 'user.name=Eve', 'user'],
  ])('a request %s does not take ?%s', (body, text, field) => {
    expect(refusal(() => importUsers(body, query(text))).fields).toEqual([field]);
  });

  it('query and body may each have their own', () => {
    expect(importUsers('{"name":"A"}', query('dryRun=true'))).toEqual({ user: { name: 'A' }, dryRun: true });
    expect(importUsers('{"user":{"name":"A"},"dryRun":null}', query('dryRun=true'))).toMatchObject({ dryRun: true });
  });

  it('a header and the body have to agree', () => {
    const etag = (value: string): Partial<RequestParts> => ({ ...user('1'), etag: value });
    expect(patchUser('{"etag":"a","age":1}', etag('a'))).toMatchObject({ user: { etag: 'a' } });
    expect(refusal(() => patchUser('{"etag":"a","age":1}', etag('b'))).detail).toBe(
      'If-Match: is something else than user.etag',
    );
  });
});

describe('what is refused costs no more than what is taken', () => {
  const costs = (read: () => unknown): number => {
    const before = process.cpuUsage();
    refusal(read);
    return process.cpuUsage(before).user;
  };

  it.each<[what: string, wrong: string, right: string]>([
    [
      'elements',
      `{"book":{"authors":[${'1,'.repeat(200_000)}1]}}`,
      `{"book":{"authors":[${'{},'.repeat(200_000)}{}]}}`,
    ],
    [
      'entries of a map',
      `{"book":{"byNumber":{${Array.from({ length: 50_000 }, (_, at) => `"${at}":1`).join()}}}}`,
      `{"book":{"byNumber":{${Array.from({ length: 50_000 }, (_, at) => `"${at}":{}`).join()}}}}`,
    ],
    [
      'unknown keys',
      `{${Array.from({ length: 83_000 }, (_, at) => `"k${at}":1`).join()}}`,
      `{"book":{"counts":{${Array.from({ length: 83_000 }, (_, at) => `"k${at}":1`).join()}}}}`,
    ],
    [
      'keys of a million characters',
      `{"${'k'.repeat(1_000_000)}":1}`,
      `{"book":{"counts":{"${'k'.repeat(1_000_000)}":1}}}`,
    ],
  ])('of wrong %s sixteen are told, at the cost of reading right ones', (_, wrong, right) => {
    const { fields, detail } = refusal(() => echo(wrong));
    expect(fields.length).toBeGreaterThan(0);
    expect(fields.length).toBeLessThanOrEqual(16);
    expect(JSON.stringify([fields, detail]).length).toBeLessThan(10_000);
    costs(() => echo(right));
    const taken = costs(() => echo(right));
    expect(costs(() => echo(wrong))).toBeLessThan(taken * 2 + 100_000);
  });

  it('a text of a megabyte is too long before its pattern is asked', () => {
    const body = JSON.stringify({ message: 'x', noteId: 'x'.repeat(1_000_000) });
    const read = (): unknown => sendNote(body, { segments: ['v1', 'rooms', 'lobby', 'notes'] });
    const nearlyTooLong = JSON.stringify({ message: 'x', noteId: 'x'.repeat(129) });
    const words = refusal(() => sendNote(nearlyTooLong, { segments: ['v1', 'rooms', 'lobby', 'notes'] }));
    expect(refusal(read)).toEqual(words);
    expect(words.fields).toEqual(['noteId']);
    expect(costs(read)).toBeLessThan(100_000);
  });
});
