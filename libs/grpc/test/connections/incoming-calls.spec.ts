import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { status as Status } from '@grpc/grpc-js';
import { Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { IncomingCall } from '../../src/server/authorization.ts';
import { call, end, fixedHeaders, plainConnection } from '../plain-http2.ts';
import { shelfServiceName, startShelf, until } from '../shelf-service.ts';

const readPath = `/${shelfServiceName}/ReadFile`;
const countPath = `/${shelfServiceName}/CountBooks`;
const healthPath = '/grpc.health.v1.Health/Check';

/** Begins a call whose message is to be `bytes` large, and sends so much of it. */
function begin(session: ClientHttp2Session, path: string, bytes: number, sent: number): ClientHttp2Stream {
  const stream = session.request({ ':method': 'POST', ':path': path, ...fixedHeaders });
  stream.on('error', () => undefined); // `end` tells of it
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes, 1);
  stream.write(head);
  if (sent > 0) stream.write(Buffer.alloc(sent));
  stream.resume();
  return stream;
}

/** Reads its requests, and never answers. */
const reading = (requests: never) =>
  new Observable(() => (requests as Observable<unknown>).subscribe({ error: () => undefined }));

function tcpConnection(address: string): ClientHttp2Session {
  const session = connect(`http://${address}`);
  session.on('error', () => undefined); // the tests ask for its end
  return session;
}

describe('a call whose request does not come', () => {
  it.each([
    ['nothing of it', (session: ClientHttp2Session) => begin(session, readPath, 100, 0)],
    ['a part of it', (session: ClientHttp2Session) => begin(session, readPath, 4_000_000, 3_000_000)],
    ['all of it, but not the end of the call', (session: ClientHttp2Session) => begin(session, readPath, 0, 0)],
  ])('ends at the deadline that the server gives, when there was %s', async (_, begun) => {
    await using service = await startShelf({ readFile: () => ({ path: '' }) }, { limits: { defaultDeadlineMs: 200 } });
    const session = plainConnection(service);
    expect(await end(begun(session))).toBe('DEADLINE_EXCEEDED');
    expect(await call(session)).toBe('OK');
    session.close();
  });

  it('ends at the longest deadline, however late the one is that it asks for', async () => {
    await using service = await startShelf({}, { limits: { defaultDeadlineMs: 100, maxDeadlineMs: 200 } });
    const session = plainConnection(service);
    const headers = { ':method': 'POST', ':path': readPath, ...fixedHeaders, 'grpc-timeout': '99H' };
    const stream = session.request(headers);
    stream.on('error', () => undefined);
    expect(await end(stream.resume())).toBe('DEADLINE_EXCEEDED');
    session.close();
  });

  it('has a deadline from its headers on, not from when its request had come', async () => {
    let deadline = 0;
    let cameAt = 0;
    await using service = await startShelf(
      { readFile: (_: never, context: { readonly deadline: number }) => ((deadline = context.deadline), { path: '' }) },
      {
        limits: { defaultDeadlineMs: 10_000 },
        authorize: () => ((cameAt = Date.now()), { caller: undefined }),
      },
    );
    const session = plainConnection(service);
    const stream = begin(session, readPath, 0, 0);
    await until(() => cameAt > 0 && Date.now() - cameAt > 100);
    stream.end();
    expect(await end(stream)).toBe('OK');
    expect(deadline - cameAt).toBeLessThanOrEqual(10_000);
    session.close();
  });

  it('ends while it drips, a byte at a time', async () => {
    await using service = await startShelf({}, { limits: { defaultDeadlineMs: 300 } });
    const session = plainConnection(service);
    const stream = begin(session, readPath, 1_000_000, 1);
    const drip = setInterval(() => stream.closed || stream.write('x'), 5);
    expect(await end(stream)).toBe('DEADLINE_EXCEEDED');
    clearInterval(drip);
    session.close();
  });

  it('of a stream of requests ends when a message that has begun does not end, and not before one begins', async () => {
    await using service = await startShelf({ countBooks: reading }, { limits: { defaultDeadlineMs: 200 } });
    const session = plainConnection(service);
    const silent = session.request({ ':method': 'POST', ':path': countPath, ...fixedHeaders });
    silent.on('error', () => undefined).resume();
    expect(await end(begin(session, countPath, 100, 50))).toBe('DEADLINE_EXCEEDED');
    expect(silent.closed).toBe(false);
    silent.close();
    session.close();
  });

  it('of a stream of requests goes on while it is the server that does not read', async () => {
    const nobody = { caller: undefined };
    const { promise: waiting, resolve } = Promise.withResolvers<{ caller: undefined }>();
    await using service = await startShelf(
      { countBooks: reading },
      {
        limits: { defaultDeadlineMs: 100 },
        authorize: ({ method }) => (method.path === countPath ? waiting : nobody),
      },
    );
    const session = plainConnection(service);
    const stream = begin(session, countPath, 100, 50);
    expect(await end(begin(session, readPath, 100, 50))).toBe('DEADLINE_EXCEEDED');
    expect(stream.closed).toBe(false);
    resolve(nobody);
    expect(await end(stream)).toBe('DEADLINE_EXCEEDED');
    session.close();
  });
});

describe('the size of a request', () => {
  it('is refused by its head, before any of it is held', async () => {
    await using service = await startShelf({}, { limits: { maxMessageBytes: 1000 } });
    const session = plainConnection(service);
    expect(await end(begin(session, readPath, 1001, 0))).toBe('RESOURCE_EXHAUSTED');
    session.close();
  });

  it.each([
    ['health check', healthPath],
    ['question of reflection', '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo'],
  ])('of a %s is 4 KiB at the most', async (_, path) => {
    await using service = await startShelf({});
    const session = plainConnection(service);
    expect(await end(begin(session, path, 4097, 0))).toBe('RESOURCE_EXHAUSTED');
    session.close();
  });
});

describe('messages that have begun', () => {
  const mib = 1024 * 1024;

  it.each([
    ['a connection', { maxUnfinishedBytesPerConnection: 3 * mib }],
    ['a server', { maxUnfinishedBytes: 3 * mib }],
  ])('hold no more than %s may: the call ends whose message began first', async (_, limits) => {
    await using service = await startShelf({ readFile: () => ({ path: '' }) }, { limits });
    const session = plainConnection(service);
    const first = begin(session, readPath, 4 * mib, mib);
    let ended: string | undefined;
    void end(first).then((status) => (ended = status));
    const others: ClientHttp2Stream[] = [];
    while (ended === undefined) {
      others.push(begin(session, readPath, 4 * mib, mib));
      await until(() => ended !== undefined || others.at(-1)?.writableLength === 0);
      expect(others.length).toBeLessThan(10);
    }
    expect(ended).toBe('RESOURCE_EXHAUSTED');
    expect(await call(session)).toBe('OK');
    session.destroy();
  });

  it('of an address hold no more than it may, on however many connections', async () => {
    await using service = await startShelf(
      { readFile: () => ({ path: '' }) },
      { listen: '127.0.0.1:0', limits: { maxUnfinishedBytesPerAddress: 3 * mib } },
    );
    const sessions = Array.from({ length: 6 }, () => tcpConnection(service.server.address));
    const calls = sessions.map((session) => end(begin(session, readPath, 4 * mib, mib)));
    expect(await Promise.race(calls)).toBe('RESOURCE_EXHAUSTED');
    for (const session of sessions) session.destroy();
  });

  it('hold memory by what has come, not by what they say they will be, nor by the pieces it comes in', async () => {
    await using service = await startShelf({}, { limits: { maxUnfinishedBytesPerConnection: mib } });
    const session = plainConnection(service);
    const streams = Array.from({ length: 500 }, () => begin(session, readPath, 4_000_000, 1));
    const last = begin(session, readPath, 4_000_000, 1);
    await new Promise((resolve) => session.ping(() => resolve(undefined)));
    expect(streams.filter(({ closed }) => closed)).toEqual([]);
    expect(last.closed).toBe(false);
    session.destroy();
  });
});

describe('rights', () => {
  it('are asked about when the headers of a call have come, and one that is refused is not read', async () => {
    const asked: IncomingCall[] = [];
    await using service = await startShelf(
      {},
      {
        limits: { resetGraceMs: 100 },
        authorize: (incoming) => {
          asked.push(incoming);
          throw new Error('nobody may');
        },
      },
    );
    const session = plainConnection(service);
    const stream = begin(session, readPath, 4_000_000, 0);
    const [headers] = await once(stream, 'response');
    expect(headers['grpc-status']).toBe(String(Status.INTERNAL));
    expect(asked).toHaveLength(1);
    await end(stream); // though its caller does not end it
    session.close();
  });
});
