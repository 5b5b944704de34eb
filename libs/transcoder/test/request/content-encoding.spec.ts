import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { GrpcChannel } from '@rollcall/grpc';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Answer, ask, type Rest, seen, startRest } from '../shelf.ts';

let rest: Rest;
beforeAll(async () => {
  rest = await startRest();
});
afterAll(() => rest[Symbol.asyncDispose]());

function post(path: string, body: Buffer | string, coding: string): Promise<Answer> {
  return ask(rest, path, {
    verb: 'POST',
    body,
    headers: { 'content-type': 'application/json', 'content-encoding': coding },
  });
}

const book = Buffer.from('{"book":{"name":"ä"}}');

describe('a body that is coded', () => {
  it.each([
    ['gzip', gzipSync(book)],
    ['GZIP', gzipSync(book)],
    ['x-gzip', gzipSync(book)],
    ['deflate', deflateSync(book)],
    ['identity', book],
    ['', book],
    ['gzip', Buffer.concat([gzipSync(book.subarray(0, 8)), gzipSync(book.subarray(8))])],
  ])('is read when it is %s', async (coding, body) => {
    const { status, json } = await post('/v1/books:echo', body, coding);
    expect([status, json.book?.name]).toEqual([200, 'ä']);
  });

  it.each([
    ['br', brotliCompressSync(book)],
    ['br', book],
    ['zstd', book],
    ['gzip, br', gzipSync(book)],
    ['gzip, gzip', gzipSync(gzipSync(book))],
  ])('is refused with what is taken when it is %s', async (coding, body) => {
    for (const path of ['/v1/books:echo', '/v1/shelves/1/books:count']) {
      const { status, headers, json } = await post(path, body, coding);
      expect([status, headers['accept-encoding'], json.reason]).toEqual([
        415,
        'gzip, deflate',
        'UNSUPPORTED_MEDIA_TYPE',
      ]);
    }
  });

  it('is refused before a call is opened, also for a stream of messages', async () => {
    const calls = vi.spyOn(GrpcChannel.prototype, 'call');
    try {
      expect((await post('/v1/shelves/1/books:count', book, 'br')).status).toBe(415);
      expect(calls).toHaveBeenCalledTimes(0);
      expect((await post('/v1/shelves/1/books:count', '{"name":"a"}', '')).status).toBe(200);
      expect(calls).toHaveBeenCalledTimes(1);
    } finally {
      calls.mockRestore();
    }
  });

  it.each([
    ['is plain', book],
    ['is cut', gzipSync(book).subarray(0, -9)],
    ['is damaged', Buffer.from(gzipSync(Buffer.alloc(1000, 'x'))).fill(0xff, 12, 16)],
    ['is not there', Buffer.from([0x1f])],
  ])('that says gzip and %s is refused', async (_, body) => {
    const { status, json } = await post('/v1/books:echo', body, 'gzip');
    expect([status, json.detail]).toEqual([400, 'The body is not gzip.']);
  });

  it('counts as many bytes as it stands for, and is not unpacked further', async () => {
    const bomb = gzipSync(Buffer.alloc(200_000_000));
    const before = process.cpuUsage();
    const { status, json } = await post('/v1/books:echo', bomb, 'gzip');
    expect([status, json.reason]).toEqual([413, 'REQUEST_TOO_LARGE']);
    expect(process.cpuUsage(before).user).toBeLessThan(500_000);
    expect((await post('/v1/shelves/1/books:count', bomb, 'gzip')).status).toBe(413);
    expect((await ask(rest, '/v1/books')).status).toBe(200);
  });

  it('may be a stream of messages', async () => {
    const lines = Array.from({ length: 5000 }, (_, at) => `{"name":"${at}"}\n`).join('');
    const { status, json } = await post('/v1/shelves/1/books:count', gzipSync(lines), 'gzip');
    expect([status, json.count, seen.counted.at(-1)]).toEqual([200, '5000', '4999']);
  });
});
