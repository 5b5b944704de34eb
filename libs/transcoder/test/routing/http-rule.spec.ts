import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, type Rest, send, startRest } from '../shelf.ts';

let rest: Rest;
beforeAll(async () => {
  rest = await startRest();
});
afterAll(() => rest[Symbol.asyncDispose]());

describe('paths', () => {
  it('bind a variable that spans several segments', async () => {
    const { status, json } = await ask(rest, '/v1/shelves/1/books/a%20b');
    expect([status, json.name]).toEqual([200, 'shelves/1/books/a b']);
  });

  it('keep %2F in a variable of several segments, and decode the rest', async () => {
    const { json } = await ask(rest, '/v1/files/a/b%2Fc/d%20e:read');
    expect(json).toBe('a/b%2Fc/d e');
  });

  it('let ** take no segment at all', async () => {
    expect((await ask(rest, '/v1/files:read')).json).toBe('');
  });

  it('bind nested fields, enums by name and by number', async () => {
    const byName = await send(rest, 'PUT', '/v1/genres/GENRE_POETRY/books/x', { aString: 'y' });
    expect(byName.json).toMatchObject({ genre: 'GENRE_POETRY', name: 'x', aString: 'y' });
    const byNumber = await send(rest, 'PUT', '/v1/genres/2/books/x', {});
    expect(byNumber.json).toMatchObject({ genre: 'GENRE_PROSE' });
  });

  it('refuse a body that contradicts the path', async () => {
    const { status, json } = await send(rest, 'PUT', '/v1/genres/GENRE_POETRY/books/x', { name: 'z' });
    expect([status, json.fieldViolations[0].field]).toEqual([400, 'book.name']);
  });

  it('refuse percent-encoding that is not UTF-8, naming the field', async () => {
    const { status, json } = await ask(rest, '/v1/shelves/1/books/%ff');
    expect([status, json.code]).toEqual([400, 'INVALID_ARGUMENT']);
  });

  it('take a custom verb of HTTP', async () => {
    expect((await ask(rest, '/v1/books', { verb: 'REPORT' })).status).toBe(200);
  });

  it('answer 405 with Allow for a verb that the path does not take', async () => {
    const { status, headers, json } = await ask(rest, '/v1/books', { verb: 'DELETE' });
    expect([status, headers.allow, json.reason, json.code]).toEqual([
      405,
      'GET, HEAD, REPORT',
      'VERB_NOT_ALLOWED',
      'UNIMPLEMENTED',
    ]);
  });

  it('answer 404 as a problem for a path that nothing has', async () => {
    const { status, headers, json } = await ask(rest, '/v1/nothing');
    expect([status, headers['content-type'], json.code, json.requestId]).toEqual([
      404,
      'application/problem+json',
      'NOT_FOUND',
      headers['x-request-id'],
    ]);
  });

  it('answer HEAD as GET without a body', async () => {
    const { status, headers, text } = await ask(rest, '/v1/shelves/1/books/2', { verb: 'HEAD' });
    expect([status, headers.etag, text]).toEqual([200, '"v1"', '']);
  });
});

describe('a method without a rule', () => {
  it('is reached at POST /{package.Service}/{Method}', async () => {
    const { status, json } = await send(rest, 'POST', '/testing.v1.ShelfService/Unruled', {
      pageNumbers: ['9007199254740993'],
    });
    expect([status, json.pageNumbers]).toEqual([200, ['9007199254740993']]);
  });
});

describe('a query', () => {
  it('binds fields by both of their names, nested, repeated, and in their JSON forms', async () => {
    const query =
      'page_size=3&writtenBy.name=Ada+L%26&written_by.born=1815&genres=GENRE_POETRY&genres=2&since=2026-01-02T03:04:05Z&printed=true&fingerprint=AQI%3D&copies=9007199254740993';
    const { json } = await ask(rest, `/v1/books?${query}`);
    expect(json.request).toEqual({
      pageSize: 3,
      pageToken: '',
      writtenBy: { name: 'Ada L&', born: '1815' },
      genres: ['GENRE_POETRY', 'GENRE_PROSE'],
      since: '2026-01-02T03:04:05Z',
      printed: true,
      fingerprint: 'AQI=',
      copies: '9007199254740993',
    });
  });

  it.each([
    ['pageSize=many', 'pageSize'],
    ['pageSize=1&page_size=2', 'pageSize'],
    ['writtenBy=x', 'writtenBy'],
    ['writtenBy.age=1', 'writtenBy.age'],
    ['printed=maybe', 'printed'],
    ['genres=GENRE_NOVEL', 'genres[0]'],
    ['since=yesterday', 'since'],
    ['pageToken=%ff', 'pageToken'],
    ['__proto__=1', '__proto__'],
    ['__proto__.x=1', '__proto__.x'],
    ['pageSize=-1', 'pageSize'],
  ])('refuses %s and names %s', async (query, field) => {
    const { status, json } = await ask(rest, `/v1/books?${query}`);
    expect([status, json.code, json.fieldViolations?.[0]?.field]).toEqual([400, 'INVALID_ARGUMENT', field]);
  });

  it('may have question marks in its values', async () => {
    const { json } = await ask(rest, '/v1/books?writtenBy.name=who?&pageSize=1');
    expect([json.request.writtenBy.name, json.request.pageSize]).toEqual(['who?', 1]);
  });

  it('is not taken where the body is the whole request', async () => {
    const { status, json } = await send(rest, 'POST', '/v1/books:echo?pageNumbers=1', {});
    expect([status, json.fieldViolations[0].field]).toEqual([400, 'pageNumbers']);
  });

  it('of 10,000 parameters is refused', async () => {
    const { status, json } = await ask(rest, `/v1/books?${'genres=1&'.repeat(10_000)}`);
    expect([status, json.reason]).toEqual([414, 'URL_TOO_LONG']);
    expect((await ask(rest, `/v1/books?${'a&'.repeat(2001)}`)).status).toBe(400);
    expect((await ask(rest, '/v1/books')).status).toBe(200);
  });
});
