import { fromBinary, fromJson, toBinary, toJson } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { codecsOf } from '../../src/codec/codecs.ts';
import { testingContract } from '../../src/testing.ts';
import type * as shelf from '../../src/gen/testing/testing/v1/shelf.ts';

const echo = '/testing.v1.ShelfService/EchoBook';
const codec = codecsOf(testingContract).get(echo);
const method = testingContract.methods.get(echo);
if (codec === undefined || method === undefined) throw new Error('the testing contract has no EchoBook');

const noKeys: shelf.Keys = {
  byBool: new Map(),
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
  keysByBool: new Map(),
};

// Typed by the generator; read and written by the loader. A kind that they see differently fails here or in `tsc`.
const book: shelf.Book = {
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
  aString: 'ü € 😀',
  aBytes: Buffer.from([251, 255]),
  genre: 1,
  author: { name: 'Ada', born: '1815' },
  tags: ['a', ''],
  authors: [{ name: '', born: '0' }],
  counts: { x: '9007199254740993' },
  byNumber: { [-1]: { name: 'n', born: '0' } },
  digital: { name: 'd', born: '0' },
  maybeNumber: 0,
  maybeText: '',
  time: { seconds: '1767323045', nanos: 678_000_000 },
  duration: { seconds: '-1', nanos: -500_000_000 },
  mask: ['a_double', 'author.born'],
  struct: null,
  value: null,
  list: null,
  wrappedInt64: null,
  wrappedBool: null,
  wrappedString: null,
  any: null,
  numbers: ['1', '-2'],
  genres: [2],
  name: 'n',
  etag: 'e',
  wrappedBytes: null,
  maybeBool: false,
  doubles: [0, Infinity, -Infinity],
  genreByName: { p: 1 },
  keys: {
    byBool: new Map([
      [false, 'no'],
      [true, 'yes'],
    ]),
    byInt32: { [-2147483648]: true, 2147483647: false },
    byInt64: { '-9223372036854775808': '1', '9223372036854775807': '2', '-1': '-1', '9007199254740993': '3' },
    byUint32: { 0: '18446744073709551615', 4294967295: '1' },
    byUint64: { '18446744073709551615': Buffer.from([1]), '9223372036854775808': Buffer.from([2]) },
    bySint32: { [-2147483648]: -0.5, 2147483647: 1 },
    bySint64: { '-9223372036854775808': 1, '9223372036854775807': 2, '-1': 0 },
    byFixed32: { 4294967295: { name: 'n', born: '0' } },
    byFixed64: { '18446744073709551615': ['a_double'], '9223372036854775808': [] },
    bySfixed32: { [-2147483648]: { seconds: '1', nanos: 0 } },
    bySfixed64: { '-9223372036854775808': 'least', '9223372036854775807': 'most' },
    byString: Object.fromEntries([
      ['', 'none'],
      ['__proto__', 'p'],
      ['false', 'f'],
    ]),
    keysByBool: new Map([[false, { ...noKeys, byBool: new Map([[true, 't']]) }]]),
  },
};

describe('a message with every kind of field', () => {
  it('comes back as it was sent, with every kind of key that a map may have, in the shape of its generated type', () => {
    const request: shelf.EchoBookRequest = { book, pageNumbers: ['9007199254740993'] };
    expect(codec.decodeRequest(codec.encodeRequest(request))).toEqual(request);
  });

  it('has its defaults where nothing was sent: zeros, empty lists, null for messages, nothing for optional fields', () => {
    const { book: empty } = codec.decodeRequest(codec.encodeRequest({ book: {} })) as shelf.EchoBookRequest;
    expect(empty).toMatchObject({
      aDouble: 0,
      aInt64: '0',
      aString: '',
      aBool: false,
      genre: 0,
      author: null,
      tags: [],
      counts: {},
      time: null,
    });
    expect(empty?.aBytes).toHaveLength(0);
    for (const unset of ['maybeNumber', 'maybeText', 'maybeBool', 'paper', 'digital'])
      expect(empty).not.toHaveProperty(unset);
  });

  it('means the same to the codecs of the services as to those of REST', () => {
    const bytes = codec.encodeRequest({ book, pageNumbers: [] });
    const json = toJson(method.input, fromBinary(method.input, bytes));
    expect(json).toMatchObject({
      book: {
        aInt64: '-9223372036854775808',
        genre: 'GENRE_POETRY',
        digital: { name: 'd' },
        maybeNumber: 0,
        mask: 'aDouble,author.born',
        keys: {
          byBool: { false: 'no', true: 'yes' },
          byInt32: { '-2147483648': true, '2147483647': false },
          byInt64: { '-9223372036854775808': '1', '9223372036854775807': '2' },
          byUint64: { '18446744073709551615': 'AQ==', '9223372036854775808': 'Ag==' },
          bySint64: { '-9223372036854775808': 'GENRE_POETRY', '-1': 'GENRE_UNSPECIFIED' },
          byFixed64: { '18446744073709551615': 'aDouble', '9223372036854775808': '' },
          bySfixed64: { '-9223372036854775808': 'least' },
          byString: { '': 'none', false: 'f' },
          keysByBool: { false: { byBool: { true: 't' } } },
        },
      },
    });
    expect(codec.decodeRequest(toBinary(method.input, fromJson(method.input, json)))).toEqual({
      book,
      pageNumbers: [],
    });
  });
});
