import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, type Rest, send, startRest } from '../shelf.ts';

let rest: Rest;
beforeAll(async () => {
  rest = await startRest();
});
afterAll(() => rest[Symbol.asyncDispose]());

async function echo(book: unknown): Promise<Record<string, unknown>> {
  const { status, json, text } = await send(rest, 'POST', '/v1/books:echo', { book });
  expect(status, text).toBe(200);
  return json.book;
}

/** As `echo`, for JSON that JSON.stringify does not write. */
async function echoText(book: string): Promise<Record<string, unknown>> {
  const { json } = await ask(rest, '/v1/books:echo', { verb: 'POST', body: `{"book":${book}}` });
  return json.book;
}

const noKeys = {
  byBool: {},
  byInt32: {},
  byInt64: {},
  byUint32: {},
  byUint64: {},
  bySint32: {},
  bySint64: {},
  byFixed32: {},
  byFixed64: {},
  bySfixed32: {},
  bySfixed64: {},
  byString: {},
  keysByBool: {},
};

describe('ProtoJSON', () => {
  it('carries every kind of field, and every kind of key that a map may have, there and back', async () => {
    const book = {
      aDouble: 1.5,
      aFloat: 0.25,
      aInt32: -2147483648,
      aInt64: '-9223372036854775808',
      aUint32: 4294967295,
      aUint64: '18446744073709551615',
      aSint32: -1,
      aSint64: '-1',
      aFixed32: 1,
      aFixed64: '1',
      aSfixed32: -1,
      aSfixed64: '-1',
      aBool: true,
      aString: 'ü € 😀 "\\\n',
      aBytes: '+/8=',
      genre: 'GENRE_POETRY',
      author: { name: 'Ada', born: '1815' },
      tags: ['a', ''],
      authors: [{ name: '', born: '0' }],
      counts: { x: '1', __proto__x: '2' },
      byNumber: { '-1': { name: 'n', born: '0' } },
      digital: { name: 'd', born: '0' },
      maybeNumber: 0,
      maybeText: '',
      time: '2026-01-02T03:04:05.678Z',
      duration: '-1.500s',
      mask: 'aDouble,author.born',
      struct: { a: [1, null, { b: 'c' }] },
      value: null,
      list: [1, 'x'],
      wrappedInt64: '0',
      wrappedBool: false,
      wrappedString: '',
      any: { '@type': 'type.googleapis.com/testing.v1.Author', name: 'any', born: '1' },
      numbers: ['1', '-2'],
      genres: ['GENRE_PROSE'],
      name: 'n',
      etag: 'e',
      wrappedBytes: 'AA==',
      maybeBool: false,
      doubles: [0, 'NaN', 'Infinity', '-Infinity'],
      genreByName: { p: 'GENRE_POETRY' },
      keys: {
        byBool: { false: 'no', true: 'yes' },
        byInt32: { '-2147483648': true, '2147483647': false },
        byInt64: { '-9223372036854775808': '1', '9223372036854775807': '2', '-1': '3' },
        byUint32: { '0': '1', '4294967295': '18446744073709551615' },
        byUint64: { '18446744073709551615': 'AQ==', '9223372036854775808': '' },
        bySint32: { '-2147483648': -0.5, '2147483647': 1 },
        bySint64: { '-9223372036854775808': 'GENRE_POETRY', '9223372036854775807': 'GENRE_UNSPECIFIED' },
        byFixed32: { '4294967295': { name: 'n', born: '0' } },
        byFixed64: { '18446744073709551615': 'aDouble', '0': '' },
        bySfixed32: { '-2147483648': '1970-01-01T00:00:01Z' },
        bySfixed64: { '-9223372036854775808': 'least', '9223372036854775807': 'most' },
        byString: { '': 'none', false: 'f' },
        keysByBool: { false: { ...noKeys, byBool: { true: 't' } } },
      },
    };
    expect(await echo(book)).toEqual(book);
  });

  it('writes default values out, and leaves out what was not set', async () => {
    const book = await echo({});
    expect(book).toMatchObject({
      aInt64: '0',
      aString: '',
      aBool: false,
      genre: 'GENRE_UNSPECIFIED',
      tags: [],
      counts: {},
      aBytes: '',
    });
    for (const unset of ['maybeNumber', 'maybeText', 'author', 'time', 'paper', 'digital', 'wrappedBool'])
      expect(book).not.toHaveProperty(unset);
  });

  it.each([
    ['proto names', { a_int32: 7 }, { aInt32: 7 }],
    ['numbers as strings', { aInt32: '7', aDouble: '1.5' }, { aInt32: 7, aDouble: 1.5 }],
    ['64-bit numbers as numbers', { aInt64: 7 }, { aInt64: '7' }],
    ['exponents', { aInt32: 1e2 }, { aInt32: 100 }],
    ['enums by number', { genre: 2 }, { genre: 'GENRE_PROSE' }],
    ['unknown numbers of open enums', { genre: 99 }, { genre: 99 }],
    ['URL-safe base64 without padding', { aBytes: '-_8' }, { aBytes: '+/8=' }],
    ['null as the default', { aInt32: null, tags: null, author: null }, { aInt32: 0, tags: [] }],
    ['times in other zones', { time: '2026-01-02T03:04:05+01:00' }, { time: '2026-01-02T02:04:05Z' }],
  ])('reads %s', async (_, book, expected) => {
    expect(await echo(book)).toMatchObject(expected);
  });

  it('keeps all digits of 64-bit numbers that are written as numbers', async () => {
    const book =
      '{"aInt64":-9223372036854775808,"aUint64":18446744073709551615,"numbers":[9007199254740993],"counts":{"x":9007199254740993},"wrappedInt64":9007199254740993,"aDouble":12345678901234567890}';
    expect(await echoText(book)).toMatchObject({
      aInt64: '-9223372036854775808',
      aUint64: '18446744073709551615',
      numbers: ['9007199254740993'],
      counts: { x: '9007199254740993' },
      wrappedInt64: '9007199254740993',
      aDouble: 12345678901234567000,
    });
  });

  it('takes messages that lie in a hundred at the most, as gRPC does', async () => {
    // The request, the book, and two for each list: a Value and a ListValue. What is in the last one is a Value.
    const nested = (inside: string): string => `{"book":{"value":${'['.repeat(49)}${inside}${']'.repeat(49)}}}`;
    const taken = await ask(rest, '/v1/books:echo', { verb: 'POST', body: nested('') });
    expect([taken.status, taken.text]).toEqual([200, expect.stringContaining('['.repeat(49))]);
    const refused = await ask(rest, '/v1/books:echo', { verb: 'POST', body: nested('1') });
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining('MALFORMED_REQUEST')]);
  });

  it('keeps a map key named __proto__ as a key like any other', async () => {
    const { text } = await ask(rest, '/v1/books:echo', { verb: 'POST', body: '{"book":{"counts":{"__proto__":"1"}}}' });
    expect(text).toContain('"counts":{"__proto__":"1"}');
  });
});

it.each([
  ['byBool', 'x'],
  ['byBool', '0'],
  ['byInt32', '2147483648'],
  ['byInt64', '9223372036854775808'],
  ['byUint32', '-1'],
  ['byUint64', '18446744073709551616'],
  ['bySint32', '0x1'],
  ['bySint64', ''],
  ['byFixed32', '4294967296'],
  ['byFixed64', '1.5'],
  ['bySfixed32', ' 1'],
  ['bySfixed64', '+1'],
])('refuses a key of %s that is "%s", and names the field', async (field, key) => {
  const { status, text } = await send(rest, 'POST', '/v1/books:echo', { book: { keys: { [field]: { [key]: null } } } });
  expect([status, text]).toEqual([400, expect.stringContaining(`book.keys.${field}`)]);
});

describe('bad input', () => {
  const invalid = async (
    body: string | Buffer,
    path = '/v1/books:echo',
  ): Promise<{ status: number; json: { reason: string; detail: string; fieldViolations?: { field: string }[] } }> =>
    ask(rest, path, { verb: 'POST', body, headers: { 'content-type': 'application/json' } });

  it.each([
    ['an unknown field', { book: { colour: 1 } }, 'book.colour'],
    ['a string for a number', { book: { aInt32: 'x' } }, 'book.aInt32'],
    ['a number out of range', { book: { aInt32: 2147483648 } }, 'book.aInt32'],
    ['a fraction for a whole number', { book: { aInt64: 1.5 } }, 'book.aInt64'],
    ['an unknown enum name', { book: { genre: 'NOVEL' } }, 'book.genre'],
    ['a list for a message', { book: { author: [] } }, 'book.author'],
    ['a wrong element of a list', { book: { numbers: ['1', 'x'] } }, 'book.numbers[1]'],
    ['a wrong field of an element', { book: { authors: [{}, { born: 'x' }] } }, 'book.authors[1].born'],
    ['null in a list', { book: { tags: [null] } }, 'book.tags[0]'],
    ['a wrong value of a map', { book: { counts: { a: 'x' } } }, 'book.counts["a"]'],
    ['a field under both of its names', { book: { aInt32: 1, a_int32: 1 } }, 'book.aInt32'],
    ['two members of a oneof', { book: { paper: 'x', digital: {} } }, 'book'],
    ['what is no time', { book: { time: 'now' } }, 'book.time'],
    ['what is no base64', { book: { aBytes: '§' } }, 'book.aBytes'],
    ['a message of no known type', { book: { any: { '@type': 'x/y' } } }, 'book.any'],
  ])('%s is refused with its field', async (_, json, field) => {
    const answer = await invalid(JSON.stringify(json));
    expect([answer.status, answer.json.reason, answer.json.fieldViolations?.[0]?.field]).toEqual([
      400,
      'INVALID_FIELD',
      field,
    ]);
  });

  it.each([
    ['no JSON', '{"book":', 'MALFORMED_REQUEST'],
    ['no object', '[]', 'MALFORMED_REQUEST'],
    ['bytes that are not UTF-8', Buffer.from('7b22c328223a317d', 'hex'), 'MALFORMED_REQUEST'],
    ['an unpaired surrogate', '{"book":{"aString":"\\ud800"}}', 'MALFORMED_REQUEST'],
    ['JSON nested 100,000 deep', '['.repeat(100_000), 'MALFORMED_REQUEST'],
    [
      'a deep value for a field that takes any',
      `{"book":{"value":${'['.repeat(5000)}${']'.repeat(5000)}}}`,
      'MALFORMED_REQUEST',
    ],
    ['a key __proto__', '{"__proto__":{"book":{}}}', 'INVALID_FIELD'],
    ['a key __proto__ further in', '{"book":{"__proto__":{"aInt32":1}}}', 'INVALID_FIELD'],
    ['a key constructor', '{"constructor":{"prototype":{}}}', 'INVALID_FIELD'],
  ])('%s is refused', async (_, body, reason) => {
    const { status, json } = await invalid(body);
    expect([status, json.reason]).toEqual([400, reason]);
  });

  it('a body of 10 MB is refused with 413, and the connection answers', async () => {
    const { status, json } = await invalid(`{"book":{"aString":"${'x'.repeat(10_000_000)}"}}`);
    expect([status, json.reason]).toEqual([413, 'REQUEST_TOO_LARGE']);
  });

  it('a body of another type is refused with 415', async () => {
    const { status, json } = await ask(rest, '/v1/books:echo', {
      verb: 'POST',
      body: 'a=1',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect([status, json.reason]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
  });

  it('an answer of a type that there is none of is refused with 406', async () => {
    expect((await ask(rest, '/v1/books', { headers: { accept: 'text/html' } })).status).toBe(406);
    expect((await ask(rest, '/v1/books:stream', { headers: { accept: 'image/png' } })).status).toBe(406);
  });

  it('a Grpc-Timeout that cannot be read is refused, naming the header', async () => {
    const { status, json } = await ask(rest, '/v1/books', { headers: { 'grpc-timeout': '1 second' } });
    expect([status, json.fieldViolations[0].field]).toEqual([400, 'Grpc-Timeout']);
  });

  it('what is no HTTP is answered with a problem', async () => {
    const { connect } = await import('node:net');
    const socket = connect(rest.socketPath);
    socket.end('HELO\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[^]*application\/problem\+json/);
  });
});
