import { describe, expect, it } from 'vitest';
import {
  conditionsOf,
  etagHeader,
  etagsToWrite,
  maxEtags,
  type Verdict,
  weigh,
} from '../../src/conventions/conditions.ts';

const current = '"now"';
const list = Array.from({ length: maxEtags }, (_, index) => `"${index}"`).join();

/** What a header that says which versions are meant names, and whether the current version is among them. */
const readable: readonly [header: string, names: '*' | readonly string[], current: boolean][] = [
  ['*', '*', true],
  [' * ', '*', true],
  ['"now"', ['now'], true],
  ['W/"now"', ['now'], true],
  ['"old", "now"', ['old', 'now'], true],
  ['"old","now"', ['old', 'now'], true],
  [' ,, "old" ,\t"now" ,', ['old', 'now'], true],
  ['"now", "now", W/"now"', ['now'], true],
  ['"old"', ['old'], false],
  ['"*"', ['*'], false],
  ['W/"*"', ['*'], false],
  ['"a,*,b"', ['a,*,b'], false],
  ['"a\\"', ['a\\'], false],
  ['"x,"', ['x,'], false],
  ['""', [''], false],
  ['W/""', [''], false],
  ['"\xe9"', ['\xe9'], false],
  ['"NOW"', ['NOW'], false],
  ['', [], false],
  [' ', [], false],
  [',', [], false],
  [' , ,', [], false],
  [`"${'x'.repeat(1000)}"`, ['x'.repeat(1000)], false],
  [list, list.split(',').map((tag) => tag.slice(1, -1)), false],
];

const unreadable = [
  'now',
  'W/',
  'W/now',
  'W/*',
  'w/"now"',
  'W/ "now"',
  '"now',
  'now"',
  "'now'",
  '"a b"',
  '"a"b"',
  '"a" "b"',
  '"a";"b"',
  '*, "now"',
  '"now", *',
  '*, *',
  '**',
  '"x,"now"',
  '"a\tb"',
  '"a\x7f"',
  `${list},"one more"`,
];

describe.each(['if-match', 'if-none-match'] as const)('%s', (name) => {
  it.each(readable)('%s is read', (header, names) => {
    const conditions = conditionsOf({ [name]: header });
    expect(name === 'if-match' ? conditions?.ifMatch : conditions?.ifNoneMatch).toEqual(names);
  });

  it.each(unreadable)('%s is refused, naming the header', (header) => {
    expect(() => conditionsOf({ [name]: header })).toThrow(/^If-(None-)?Match: /);
  });

  it('of many blanks and no end is refused at once', () => {
    const before = performance.now();
    expect(() => conditionsOf({ [name]: `${', '.repeat(8000)}"` })).toThrow(/Match/);
    expect(performance.now() - before).toBeLessThan(100);
  });
});

it('has no conditions where no header says one', () => {
  expect(conditionsOf({ 'if-modified-since': 'Sun, 06 Nov 1994 08:49:37 GMT' })).toBeUndefined();
});

describe('a read', () => {
  it.each(readable)('If-Match: %s', (header, _, among) => {
    const conditions = conditionsOf({ 'if-match': header });
    expect(conditions && weigh(conditions, current)).toBe(among ? 'met' : 'failed');
  });

  it.each(readable)('If-None-Match: %s', (header, _, among) => {
    const conditions = conditionsOf({ 'if-none-match': header });
    expect(conditions && weigh(conditions, current)).toBe(among ? 'not modified' : 'met');
  });

  it.each<[ifMatch: string, ifNoneMatch: string, etag: string | undefined, verdict: Verdict]>([
    ['"old"', '"now"', current, 'failed'], // If-Match goes first
    ['"now"', '"now"', current, 'not modified'],
    ['"now"', '"old"', current, 'met'],
    ['*', '*', current, 'not modified'],
    ['*', '"old"', undefined, 'met'], // what has no etag is still there
    ['"now"', '"old"', undefined, 'failed'],
    ['*', '*', undefined, 'not modified'],
  ])('If-Match: %s and If-None-Match: %s of %s', (ifMatch, ifNoneMatch, etag, verdict) => {
    const conditions = conditionsOf({ 'if-match': ifMatch, 'if-none-match': ifNoneMatch });
    expect(conditions && weigh(conditions, etag)).toBe(verdict);
  });
});

describe('a write', () => {
  const etags = (headers: Record<string, string>): readonly string[] | undefined => {
    const conditions = conditionsOf(headers);
    return conditions && etagsToWrite(conditions);
  };

  it.each<[headers: Record<string, string>, etags: readonly string[] | undefined]>([
    [{ 'if-match': '*' }, undefined],
    [{ 'if-match': '"a"' }, ['a']],
    [{ 'if-match': 'W/"a", "b", "a"' }, ['a', 'b']],
    [{ 'if-match': '"", "b"' }, ['b']],
    [{ 'if-none-match': '' }, undefined],
  ])('with %j is bound to %j', (headers, expected) => {
    expect(etags(headers)).toEqual(expected);
  });

  it.each([
    { 'if-match': '""' },
    { 'if-match': '' },
    { 'if-match': ',' },
    { 'if-none-match': '*' },
    { 'if-match': '"a"', 'if-none-match': '*' },
  ])('with %j is bound to an etag that no resource has', (headers) => {
    const [etag, ...others] = etags(headers as Record<string, string>) ?? [];
    expect(etag).toMatch(/^[\w-]{32}$/);
    expect(others).toEqual([]);
    expect(etags(headers as Record<string, string>)).not.toEqual([etag]);
  });

  it('cannot be bound to all versions but one', () => {
    expect(() => etags({ 'if-none-match': '"a"' })).toThrow('If-None-Match: can only be * in a write');
  });
});

it('makes no ETag of what cannot stand in one', () => {
  expect(['a', '', 'a"b', 'a b', 'a\r\nb', '😀'].map(etagHeader)).toEqual([
    '"a"',
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
