import { once } from 'node:events';
import { constants, type OutgoingHttpHeaders, type ServerHttp2Session } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { Metadata, status as Status } from '@grpc/grpc-js';
import { concat, firstValueFrom, NEVER, of, Subject } from 'rxjs';
import { health, systemContract } from '../../src/grpc.ts';
import { type shelf, testingContract } from '@rollcall/contract/testing';
import { describe, expect, it } from 'vitest';
import { GrpcChannel } from '../../src/client/channel.ts';
import { type RpcError } from '../../src/status/rpc-error.ts';
import { http2Servers } from '../../src/internals/http2-streams.ts';
import { failure } from '../faults/servers.ts';
import { call, end, fixedHeaders, plainConnection, request } from '../plain-http2.ts';
import { type Service, type Shelf, shelfServiceName, startShelf, until } from '../shelf-service.ts';

const fixedBytes = Object.entries(fixedHeaders).flat().join('').length;

describe('metadata', () => {
  const serve = (limits = {}) => startShelf({ readFile: () => ({ path: '' }) }, { limits });
  /** So much of it that there are `bytes` in all, in fields of 10,000 at most. */
  const metadataOf = (bytes: number): OutgoingHttpHeaders => {
    const headers: OutgoingHttpHeaders = {};
    for (let rest = bytes - fixedBytes, index = 100; rest > 0; index++) {
      const length = Math.min(rest, 10_000);
      headers[`x-${index}`] = 'v'.repeat(length - 5);
      rest -= length;
    }
    return headers;
  };

  it('is taken up to the limit, and refused with RESOURCE_EXHAUSTED one byte beyond', async () => {
    await using service = await serve({ maxMetadataBytes: 1000 });
    const session = plainConnection(service);
    expect(await call(session, metadataOf(1000))).toBe('OK');
    expect(await call(session, metadataOf(1001))).toBe('RESOURCE_EXHAUSTED');
    expect(await call(session)).toBe('OK');
    session.close();
  });

  it('of 100 KB is refused with RESOURCE_EXHAUSTED, and the connection lives', async () => {
    await using service = await serve();
    const session = plainConnection(service);
    expect(await call(session, metadataOf(100_000))).toBe('RESOURCE_EXHAUSTED');
    expect(await call(session)).toBe('OK');
    session.close();
  });

  it('of 500 fields is taken, and of more than the limit refused with RESOURCE_EXHAUSTED', async () => {
    await using service = await serve();
    const session = plainConnection(service);
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, 'v'.repeat(20)]));
    expect(await call(session, many(500))).toBe('OK');
    expect(await call(session, many(512 - Object.keys(fixedHeaders).length))).toBe('OK');
    expect(await call(session, many(513 - Object.keys(fixedHeaders).length))).toBe('RESOURCE_EXHAUSTED');
    expect(await call(session)).toBe('OK');
    session.close();
  });

  it('of so many fields that Node does not take them is reset with the code for RESOURCE_EXHAUSTED', async () => {
    await using service = await serve();
    const session = plainConnection(service);
    const many = Object.fromEntries(Array.from({ length: 2100 }, (_, index) => [`x${index}`, '']));
    expect(await call(session, many)).toBe('reset 11');
    expect(await call(session)).toBe('OK');
    session.close();
  });

  it('of more than HTTP/2 takes ends the connection, and the server goes on', async () => {
    await using service = await serve();
    for (const headers of [{ 'x-large': 'v'.repeat(200_000) }, metadataOf(300_000)]) {
      const session = plainConnection(service);
      expect(await call(session, headers)).toMatch(/^reset/);
      await until(() => session.destroyed);
    }
    expect(await firstValueFrom(service.client.readFile({ path: '' }))).toEqual({ path: '' });
  });

  it('of more than 64 KiB is not sent by a channel, whose other calls go on', async () => {
    await using service = await startShelf({
      readFile: () => ({ path: '' }),
      streamBooks: () => concat(of({ books: [] }), NEVER),
    });
    let streaming = false;
    let ended = false;
    const other = service.client
      .streamBooks({} as shelf.StreamBooksRequest)
      .subscribe({ next: () => (streaming = true), error: () => (ended = true) });
    await until(() => streaming);
    const metadata = new Metadata();
    metadata.set('x-large-bin', Buffer.alloc(50_000)); // base64 makes more than 64 KiB of it
    expect(await failure(service.client.readFile({ path: '' }, { metadata }))).toMatchObject({
      code: Status.RESOURCE_EXHAUSTED,
      reason: 'REQUEST_TOO_LARGE',
    });
    await firstValueFrom(service.client.readFile({ path: '' }));
    expect(ended).toBe(false);
    other.unsubscribe();
  });
});

describe('calls at a time on a connection', () => {
  it('are served up to the limit, and refused beyond: RESOURCE_EXHAUSTED, with when to come back', async () => {
    const gate = Promise.withResolvers<void>();
    let running = 0;
    const hold = async () => {
      running++;
      await gate.promise;
      return { path: 'served' };
    };
    await using service = await startShelf({ readFile: hold }, { limits: { maxCallsPerConnection: 5 } });
    const calls = Array.from({ length: 5 }, () => firstValueFrom(service.client.readFile({ path: '' })));
    await until(() => running === 5);
    // More than HTTP/2 lets in at a time: each of them is answered all the same.
    const refused = await Promise.all(
      Array.from({ length: 300 }, () => failure(service.client.readFile({ path: '' }))),
    );
    for (const { code, reason, details } of refused)
      expect([code, reason, details.retryDelayMs]).toEqual([Status.RESOURCE_EXHAUSTED, 'TOO_MANY_CALLS', 1000]);
    const other = new GrpcChannel(service.target, { channelOptions: { 'grpc.use_local_subchannel_pool': 1 } });
    const elsewhere = firstValueFrom(other.client<Shelf>(testingContract, shelfServiceName).readFile({ path: '' }));
    await until(() => running === 6);
    gate.resolve();
    for (const answer of await Promise.all([...calls, elsewhere])) expect(answer).toEqual({ path: 'served' });
    expect(await firstValueFrom(service.client.readFile({ path: '' }))).toEqual({ path: 'served' });
    other.close();
  });

  it('beyond the limit are refused in every kind, before a guard is asked or a message is read', async () => {
    let guarded = 0;
    class Counting {
      canActivate(): boolean {
        guarded++;
        return true;
      }
    }
    await using service = await startShelf(
      { talkBooks: () => concat(of({ name: 'open' }), NEVER), streamBooks: () => concat(of({ books: [] }), NEVER) },
      { guard: Counting, limits: { maxCallsPerConnection: 1 } },
    );
    // Request streams have a connection of their own: one call holds each.
    let open = 0;
    const holding = service.client.talkBooks(NEVER).subscribe(() => open++);
    holding.add(service.client.streamBooks({} as shelf.StreamBooksRequest).subscribe(() => open++));
    await until(() => open === 2);
    const requests = new Subject<shelf.CountBooksRequest>();
    const errors: RpcError[] = await Promise.all([
      failure(service.client.readFile({ path: '' })),
      failure(service.client.streamBooks({} as shelf.StreamBooksRequest)),
      failure(service.client.countBooks(requests)),
      failure(service.client.talkBooks(requests)),
    ]);
    expect(errors.map(({ reason }) => reason)).toEqual(Array(4).fill('TOO_MANY_CALLS'));
    expect(guarded).toBe(2);
    holding.unsubscribe();
  });
});

describe('calls that come at the same time', () => {
  it('of one connection do not keep those of another waiting until the last of them is answered', async () => {
    await using service = await startShelf({ readFile: () => ({ path: '' }) });
    const [many, one] = [plainConnection(service), plainConnection(service)];
    expect([await call(many), await call(one)]).toEqual(['OK', 'OK']);
    const answered: string[] = [];
    // What nobody serves is answered as soon as it begins.
    const refused = Array.from({ length: 400 }, () => end(request(many, 'NoMethod').resume()));
    for (const each of refused) void each.then((status) => answered.push(status));
    const served = call(one).then((status) => answered.push(status));
    await Promise.all([...refused, served]);
    expect(answered.indexOf('OK')).toBeLessThan(200);
    many.close();
    one.close();
  });

  it('and are reset at once do not begin, and the others do', async () => {
    const begun: string[] = [];
    await using service = await startShelf({
      readFile: ({ path }) => {
        begun.push(path);
        return { path };
      },
    });
    const session = plainConnection(service);
    expect(await call(session)).toBe('OK');
    const calls = Array.from({ length: 200 }, () => request(session));
    for (const stream of calls.slice(100)) stream.close(constants.NGHTTP2_CANCEL);
    expect(await Promise.all(calls.slice(0, 100).map((stream) => end(stream.resume())))).toEqual(
      Array.from({ length: 100 }, () => 'OK'),
    );
    expect(await call(session)).toBe('OK');
    expect(begun.length).toBeLessThan(150);
    session.close();
  });
});

describe('a connection', () => {
  it('that never had a call is closed when it has been idle for too long', async () => {
    await using service = await startShelf({}, { limits: { maxConnectionIdleMs: 50 } });
    const session = plainConnection(service);
    await once(session, 'close');
    expect(session.destroyed).toBe(true);
  });

  it('that is being destroyed does not hold up the end of the server', async () => {
    await using service = await startShelf({ readFile: () => ({ path: '' }) });
    const sessions: ServerHttp2Session[] = [];
    for (const below of http2Servers(service.server.unwrap())) below.on('session', (session) => sessions.push(session));
    await firstValueFrom(service.client.readFile({ path: '' }));
    for (const session of sessions) session.destroy();
    await service.close();
    expect(sessions).toHaveLength(1);
  });

  it('with a call is not idle', async () => {
    await using service = await startShelf(
      { streamBooks: () => concat(of({ books: [] }), NEVER), readFile: () => ({ path: '' }) },
      { limits: { maxConnectionIdleMs: 500 } }, // so long that the call has begun by then
    );
    const idle = plainConnection(service);
    let ended = false;
    let begun = false;
    const busy = service.client
      .streamBooks({} as shelf.StreamBooksRequest)
      .subscribe({ next: () => (begun = true), error: () => (ended = true) });
    await until(() => begun);
    await once(idle, 'close'); // so long that the other one could have been closed, too
    await firstValueFrom(service.client.readFile({ path: '' }));
    expect(ended).toBe(false);
    busy.unsubscribe();
  });
});

describe('connections at a time', () => {
  /** Opens a socket and says nothing. */
  const open = async (service: Service): Promise<Socket> => {
    const socket = connect(Number(service.server.address.split(':')[1]), '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket.resume(), 'connect');
    return socket;
  };

  it.each([
    ['of an address', { maxConnectionsPerAddress: 3 }],
    ['of a server', { maxConnections: 3 }],
  ])('%s have a bound: one without a call makes room for the next, and one with a call stays', async (_, limits) => {
    await using service = await startShelf(
      { streamBooks: () => concat(of({ books: [] }), NEVER), readFile: () => ({ path: '' }) },
      { listen: '127.0.0.1:0', limits },
    );
    const channel = new GrpcChannel(service.server.address);
    const client = channel.client<Shelf>(testingContract, shelfServiceName);
    let begun = false;
    let ended = false;
    const busy = client
      .streamBooks({} as shelf.StreamBooksRequest)
      .subscribe({ next: () => (begun = true), error: () => (ended = true) });
    await until(() => begun);
    const idle: Socket[] = [];
    for (let count = 0; count < 5; count++) idle.push(await open(service));
    await until(() => idle.filter(({ destroyed }) => destroyed).length === 3);
    expect(idle.map(({ destroyed }) => destroyed)).toEqual([true, true, true, false, false]);
    expect(await firstValueFrom(client.readFile({ path: '' }))).toEqual({ path: '' });
    expect(ended).toBe(false);
    busy.unsubscribe();
    channel.close();
    for (const socket of idle) socket.destroy();
  });

  it('of which each has a call are no more than the bound: the next is cut off', async () => {
    await using service = await startShelf(
      { streamBooks: () => concat(of({ books: [] }), NEVER) },
      { listen: '127.0.0.1:0', limits: { maxConnectionsPerAddress: 1 } },
    );
    const channel = new GrpcChannel(service.server.address);
    let begun = false;
    const busy = channel
      .client<Shelf>(testingContract, shelfServiceName)
      .streamBooks({} as shelf.StreamBooksRequest)
      .subscribe({ next: () => (begun = true), error: () => undefined });
    await until(() => begun);
    const socket = await open(service);
    await once(socket, 'close');
    expect(busy.closed).toBe(false);
    busy.unsubscribe();
    channel.close();
  });

  it('count by what an address counts as', async () => {
    const asked: string[] = [];
    await using service = await startShelf(
      {},
      { listen: '127.0.0.1:0', addressKey: (address) => (asked.push(address), 'one network') },
    );
    const socket = await open(service);
    await until(() => asked.length > 0);
    expect(new Set(asked)).toEqual(new Set(['127.0.0.1']));
    socket.destroy();
  });

  it('of which the peer does not begin to speak HTTP/2 are closed', async () => {
    await using service = await startShelf({}, { listen: '127.0.0.1:0', limits: { connectionBeginMs: 50 } });
    const socket = await open(service);
    await once(socket, 'close');
    const half = await open(service);
    half.write('PRI * HTTP/2.0\r\n\r\nSM');
    await once(half, 'close');
    expect([socket.destroyed, half.destroyed]).toEqual([true, true]);
  });
});

describe('health checks that are open at a time', () => {
  it.each([
    ['on a connection', { maxOpenCallsPerConnection: 3 }, 1],
    ['of an address', { maxOpenCallsPerAddress: 3 }, 2],
    ['of a server', { maxOpenCalls: 3 }, 2],
  ])('%s have a bound, and one that ends makes room for another', async (_, limits, connections) => {
    await using service = await startShelf({}, { listen: '127.0.0.1:0', limits });
    const channels = Array.from(
      { length: connections },
      () => new GrpcChannel(service.server.address, { channelOptions: { 'grpc.use_local_subchannel_pool': 1 } }),
    );
    const clients = channels.map((channel) =>
      channel.client<health.HealthClient>(systemContract, 'grpc.health.v1.Health'),
    );
    const watch = (index: number) => clients[index % connections]?.watch({ service: '' }) ?? NEVER;
    let answered = 0;
    const watching = [0, 1, 2].map((index) =>
      watch(index).subscribe({ next: () => (answered += 1), error: () => undefined }),
    );
    await until(() => answered === 3);
    expect(await failure(watch(3))).toMatchObject({ code: Status.RESOURCE_EXHAUSTED, reason: 'TOO_MANY_CALLS' });
    watching[0]?.unsubscribe();
    for (let taken = false; !taken;)
      taken = await firstValueFrom(watch(3)).then(
        () => true,
        () => false,
      );
    for (const each of watching) each.unsubscribe();
    for (const channel of channels) channel.close();
  });
});
