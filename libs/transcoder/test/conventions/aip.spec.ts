import { status as Status } from '@grpc/grpc-js';
import { CanActivate, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { RpcError } from '@rollcall/grpc';
import { finalize } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getRpcMethod } from '../../src/transcoder.controllers.ts';
import { ask, openRequest, type Rest, seen, send, startRest, until } from '../shelf.ts';

let rest: Rest;
const intercepted: string[] = [];

@Injectable()
class DenyHeader implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
    if (request.headers['x-deny'] === 'rpc')
      throw new RpcError(Status.PERMISSION_DENIED, 'UNSPECIFIED', `Not ${getRpcMethod(context)?.name}.`);
    return request.headers['x-deny'] !== 'plain';
  }
}

const remember: NestInterceptor = {
  intercept: (context, next) => next.handle().pipe(finalize(() => intercepted.push(getRpcMethod(context)?.name ?? ''))),
};

beforeAll(async () => {
  rest = await startRest({
    providers: [
      { provide: APP_GUARD, useClass: DenyHeader },
      { provide: APP_INTERCEPTOR, useValue: remember },
    ],
  });
});
afterAll(() => rest[Symbol.asyncDispose]());

describe('REST', () => {
  it('answers a creation with 201 and Location, and takes Idempotency-Key', async () => {
    const { status, headers, json } = await send(
      rest,
      'POST',
      '/v1/shelves/1/books',
      { name: 'a b' },
      { 'idempotency-key': 'key-1' },
    );
    expect([status, headers.location, headers.etag, json.aString]).toEqual([
      201,
      '/v1/shelves/1/books/a%20b',
      '"v1"',
      'key-1',
    ]);
  });

  it.each([
    ['genres=GENRE_POETRY&pageSize=2', 'genres=GENRE_POETRY&pageSize=2&pageToken=a%2Fb%2Bc'],
    ['writtenBy.name=age>30', 'writtenBy.name=age%3E30&pageToken=a%2Fb%2Bc'],
    ['writtenBy.name=name:"A"', 'writtenBy.name=name%3A%22A%22&pageToken=a%2Fb%2Bc'],
    ['writtenBy.name=a%26b+c%20d%2Be%ce%bb', 'writtenBy.name=a%26b+c+d%2Be%CE%BB&pageToken=a%2Fb%2Bc'],
    ['page%54oken=&pageSize=2', 'pageToken=a%2Fb%2Bc&pageSize=2'],
    ['page_token=', 'pageToken=a%2Fb%2Bc'],
    ['', 'pageToken=a%2Fb%2Bc'],
  ])('names the page behind ?%s by a link that is a URL', async (query, next) => {
    const page = await ask(rest, `/v1/books?${query}`);
    expect(page.headers.link).toBe(`</v1/books?${next}>; rel="next"`);
    const again = await ask(rest, `/v1/books?${next}`);
    expect(again.json.request).toEqual({ ...page.json.request, pageToken: 'a/b+c' });
  });

  it('names the next page in Link, and keeps the other parameters', async () => {
    const first = await ask(rest, '/v1/books?pageSize=2&genres=GENRE_POETRY');
    expect(first.headers.link).toBe('</v1/books?pageSize=2&genres=GENRE_POETRY&pageToken=a%2Fb%2Bc>; rel="next"');
    const next = await ask(rest, /<(.*)>/.exec(first.headers.link as string)?.[1] ?? '');
    expect([next.json.request.pageToken, next.headers.link]).toEqual(['a/b+c', undefined]);
  });

  it('makes the update mask of a merge patch: set, cleared, nested, and nothing else', async () => {
    const patch = { aString: 'x', author: { born: null }, time: null, etag: '', wrappedBool: false };
    for (const type of ['application/json', 'application/merge-patch+json']) {
      const { json } = await send(rest, 'PATCH', '/v1/shelves/1/books/2', patch, { 'content-type': type });
      expect(json.updateMask).toBe('aString,author.born,time,wrappedBool');
      expect(json.book).toMatchObject({ name: 'shelves/1/books/2', aString: 'x', wrappedBool: false });
    }
  });
});

describe('conditions', () => {
  const book = '/v1/shelves/1/books/2';

  it.each<[headers: Record<string, string | string[]>, status: number]>([
    [{ 'if-none-match': '"v1"' }, 304],
    [{ 'if-none-match': 'W/"v1"' }, 304],
    [{ 'if-none-match': '"v0", "v1"' }, 304],
    [{ 'if-none-match': ['"v0"', '"v1"'] }, 304],
    [{ 'if-none-match': '*' }, 304],
    [{ 'if-none-match': '"v0"' }, 200],
    [{ 'if-none-match': '"*"' }, 200],
    [{ 'if-none-match': '"a,*,b"' }, 200],
    [{ 'if-none-match': '"x,""v1"' }, 400],
    [{ 'if-none-match': 'v1' }, 400],
    [{ 'if-match': '"v1"' }, 200],
    [{ 'if-match': ['"v0"', '"v1"'] }, 200],
    [{ 'if-match': '*' }, 200],
    [{ 'if-match': '"v0"' }, 412],
    [{ 'if-match': '""' }, 412],
    [{ 'if-match': '"v1"', 'if-none-match': '"v1"' }, 304],
    [{ 'if-match': '"v0"', 'if-none-match': '"v1"' }, 412],
    [{ 'if-modified-since': 'Sun, 06 Nov 2094 08:49:37 GMT' }, 200],
    [{ range: 'bytes=0-1' }, 200],
  ])('a read with %j is answered %i', async (headers, status) => {
    for (const verb of ['GET', 'HEAD']) {
      const answer = await ask(rest, book, { verb, headers });
      expect([answer.status, answer.headers.etag], verb).toEqual([status, status === 400 ? undefined : '"v1"']);
    }
  });

  it('of a read count for nothing where it fails', async () => {
    for (const [name, value] of [['if-none-match', '*'] as const, ['if-match', '"v0"'] as const])
      expect((await ask(rest, '/v1/shelves/1/books/missing', { headers: { [name]: value } })).status).toBe(404);
  });

  const change = (headers: Record<string, string | string[]>) =>
    ask(rest, book, {
      verb: 'PATCH',
      headers: { ...headers, 'content-type': 'application/json' },
      body: '{"aString":"x"}',
    });

  it.each<Record<string, string | string[]>>([
    { 'if-match': '"new"' },
    { 'if-match': 'W/"new"' },
    { 'if-match': '*' },
    { 'if-match': '"old", "new"' },
    { 'if-match': ['"old"', '"older", "new"'] },
    { 'if-match': `"${'x'.repeat(65)}", "new"` }, // the first is longer than an etag of this field
  ])('a write with %j is made', async (headers) => {
    expect((await change(headers)).status).toBe(200);
  });

  it.each<Record<string, string | string[]>>([
    { 'if-match': '"old"' },
    { 'if-match': '"old", "older"' },
    { 'if-match': '"*"' },
    { 'if-match': `"${'x'.repeat(64)}"` },
    { 'if-match': `"${'x'.repeat(65)}"` }, // longer than an etag of this field
    { 'if-match': '""' },
    { 'if-match': '' },
    { 'if-match': ',' },
    { 'if-none-match': '*' },
    { 'if-match': '"new"', 'if-none-match': '*' },
  ])('a write with %j is answered 412', async (headers) => {
    const { status, json } = await change(headers);
    expect([status, json.code, json.reason]).toEqual([412, 'ABORTED', 'ETAG_MISMATCH']);
  });

  it.each<Record<string, string | string[]>>([
    { 'if-match': 'W/' },
    { 'if-match': 'W/*' },
    { 'if-match': 'new' },
    { 'if-match': ['*', '"new"'] },
    { 'if-none-match': '"old"' },
  ])('a write with %j is answered 400, naming the header', async (headers) => {
    const { status, json } = await change(headers);
    expect(status).toBe(400);
    expect(json.fieldViolations[0].field).toMatch(/^If-(None-)?Match$/);
  });

  it('of a write may say what the request says, and nothing else', async () => {
    const headers = { 'if-match': '"new"' };
    expect((await send(rest, 'PATCH', book, { etag: 'new' }, headers)).status).toBe(200);
    const { status, json } = await send(rest, 'PATCH', book, { etag: 'newer' }, headers);
    expect([status, json.detail]).toEqual([400, 'If-Match: is something else than book.etag']);
  });

  it('are weighed where there is no etag, too', async () => {
    const create = (headers: Record<string, string>) =>
      send(rest, 'POST', '/v1/shelves/1/books', { name: 'x' }, headers);
    expect((await create({ 'if-match': '"v1"' })).status).toBe(412);
    expect((await create({ 'if-match': 'v1' })).status).toBe(400);
    expect((await create({ 'if-match': '*' })).status).toBe(201);
    expect((await create({ 'if-none-match': '*' })).status).toBe(201); // it makes what is not there
    for (const path of ['/v1/books', '/v1/books:stream?count=2']) {
      expect((await ask(rest, path, { headers: { 'if-match': '"v1"' } })).status, path).toBe(412);
      expect((await ask(rest, path, { headers: { 'if-none-match': '"v1"' } })).status, path).toBe(200);
      expect((await ask(rest, path, { headers: { 'if-none-match': '*' } })).status, path).toBe(304);
    }
  });
});

describe('errors', () => {
  it('of the service keep code, reason, metadata and the request id', async () => {
    const { status, headers, json } = await ask(rest, '/v1/shelves/1/books/missing', {
      headers: { 'x-request-id': 'mine-1' },
    });
    expect([status, headers['x-request-id']]).toEqual([404, 'mine-1']);
    expect(json).toEqual({
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      detail: 'No book has this name.',
      code: 'NOT_FOUND',
      reason: 'USER_NOT_FOUND',
      requestId: 'mine-1',
      metadata: { name: 'shelves/1/books/missing' },
    });
    expect(seen.contexts.at(-1)?.requestId).toBe('mine-1');
  });

  it('name fields as REST knows them', async () => {
    const { json } = await ask(rest, '/v1/shelves/1/books/invalid');
    expect(json.fieldViolations).toEqual([{ field: 'theName', description: 'is wrong', reason: 'odd' }]);
  });

  it('that nobody expected say nothing of their cause', async () => {
    const { status, text } = await ask(rest, '/v1/shelves/1/books/broken');
    expect(status).toBe(500);
    expect(text).not.toMatch(/driver|password|\.ts/);
  });

  it('say when to try again', async () => {
    const { status, headers } = await ask(rest, '/v1/shelves/1/books/busy');
    expect([status, headers['retry-after']]).toEqual([503, '2']);
    const crowded = await ask(rest, '/v1/shelves/1/books/crowded');
    expect([crowded.status, crowded.headers['retry-after'], crowded.json.retryAfterMs]).toEqual([429, '2', 1001]);
  });

  it('say how one signs in, and whether the credential was wrong', async () => {
    const closed = await ask(rest, '/v1/shelves/1/books/closed');
    expect([closed.status, closed.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    const expired = await ask(rest, '/v1/shelves/1/books/expired');
    expect([expired.status, expired.headers['www-authenticate']]).toEqual([401, 'Bearer error="invalid_token"']);
    expect((await ask(rest, '/v1/shelves/1/books/missing')).headers['www-authenticate']).toBeUndefined();
  });

  it('of a deadline are 504 without addresses, and cancel the handler', async () => {
    seen.cancelled.length = 0;
    const { status, json, text } = await ask(rest, '/v1/shelves/1/books/slow', { headers: { 'grpc-timeout': '500m' } });
    expect([status, json.reason]).toEqual([504, 'DEADLINE_EXCEEDED']);
    expect(text).not.toMatch(/sock|remote_addr/);
    await until(() => seen.cancelled.length > 0);
  });

  it('of a guard are answered as problems', async () => {
    const denied = await ask(rest, '/v1/books', { headers: { 'x-deny': 'rpc' } });
    expect([denied.status, denied.json.detail]).toEqual([403, 'Not ListBooks.']);
    expect((await ask(rest, '/v1/books', { headers: { 'x-deny': 'plain' } })).status).toBe(403);
  });
});

describe('Nest', () => {
  it('runs interceptors around each call, also around a stream', async () => {
    intercepted.length = 0;
    await ask(rest, '/v1/books');
    await ask(rest, '/v1/books:stream?count=2');
    expect(intercepted).toEqual(['ListBooks', 'StreamBooks']);
  });
});

describe('a caller that goes away', () => {
  it('cancels the call', async () => {
    seen.cancelled.length = 0;
    const contexts = seen.contexts.length;
    const request = openRequest(rest, '/v1/shelves/1/books/slow');
    request.on('error', () => undefined);
    request.end();
    await until(() => seen.contexts.length > contexts);
    request.destroy();
    await until(() => seen.cancelled.length > 0);
    expect(seen.contexts.at(-1)?.signal.aborted).toBe(true);
  });
});
