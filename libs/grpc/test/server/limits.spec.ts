import { status as Status } from '@grpc/grpc-js';
import { health, systemContract } from '../../src/grpc.ts';
import { type shelf, testingContract } from '@rollcall/contract/testing';
import {
  concat,
  firstValueFrom,
  from,
  interval,
  lastValueFrom,
  map,
  NEVER,
  Observable,
  of,
  range,
  Subject,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type CallContext } from '../../src/context/call-context.ts';
import { GrpcChannel } from '../../src/client/channel.ts';
import { type RpcError } from '../../src/status/rpc-error.ts';
import { toAsyncIterable } from '../../src/backpressure/backpressure.ts';
import { shelfServiceName, startShelf, until } from '../shelf-service.ts';
import { ways } from '../ways.ts';

const path = `/${shelfServiceName}/ReadFile`;
const failure = (call: Observable<unknown>): Promise<RpcError> =>
  lastValueFrom(call).then(
    () => Promise.reject(new Error('the call did not fail')),
    (error: RpcError) => error,
  );
const streamed = {} as shelf.StreamBooksRequest;

describe('a deadline', () => {
  it.each(ways)(
    'is given to a unary call that has none, and passed on with what is left of it: %s',
    async (_way, batched) => {
      const deadlines: number[] = [];
      const remember = (_: never, { deadline }: CallContext) => {
        deadlines.push(deadline - Date.now());
        return { path: '' };
      };
      await using service = await startShelf(
        { readFile: remember },
        { ...batched, limits: { defaultDeadlineMs: 5000, maxDeadlineMs: 60_000 } },
      );
      // A caller that says nothing at all.
      const method = {
        path,
        requestStream: false,
        responseStream: true,
        encode: () => Buffer.alloc(0),
        decode: () => ({}),
      };
      await lastValueFrom(service.channel.call(method, {}));
      await firstValueFrom(service.client.readFile({ path: '' }, { deadline: Date.now() + 3_600_000 }));
      expect(deadlines[0]).toBeLessThanOrEqual(5000);
      expect(deadlines[1]).toBeLessThanOrEqual(60_000);

      await using front = await startShelf({ readFile: () => service.client.readFile({ path: '' }) }, batched);
      await firstValueFrom(front.client.readFile({ path: '' }, { deadline: Date.now() + 4000 }));
      expect(deadlines[2]).toBeLessThanOrEqual(4000);
    },
  );

  it.each(ways)('that the server gives ends the call, and the handler with it: %s', async (_way, batched) => {
    let torn = 0;
    let reason: unknown;
    await using service = await startShelf(
      {
        readFile: (_: never, { signal }: CallContext) => {
          signal.addEventListener('abort', () => (reason = signal.reason));
          return new Observable(() => () => torn++);
        },
      },
      { ...batched, limits: { maxDeadlineMs: 500 } },
    );
    const error = await failure(service.client.readFile({ path: '' }));
    expect([error.code, error.reason]).toEqual([Status.DEADLINE_EXCEEDED, 'DEADLINE_EXCEEDED']);
    await until(() => torn === 1);
    expect(reason).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
  });

  it('of streams is their idleness: one that speaks goes on, one that is silent ends', async () => {
    await using service = await startShelf(
      {
        streamBooks: ({ count }: shelf.StreamBooksRequest) =>
          count > 0 ? interval(20).pipe(map(() => ({ books: [] }))) : NEVER,
        talkBooks: (requests: Observable<shelf.CountBooksRequest>) => new Observable(() => requests.subscribe()),
      },
      { limits: { streamIdleMs: 100 } },
    );
    const speaking = toAsyncIterable(service.client.streamBooks({ count: 1 } as shelf.StreamBooksRequest));
    const start = Date.now();
    while (Date.now() - start < 300) expect((await speaking.next()).done).toBe(false);
    await speaking.return();
    expect((await failure(service.client.streamBooks(streamed))).code).toBe(Status.DEADLINE_EXCEEDED);
    const health$ = service.channel
      .client<health.HealthClient>(systemContract, 'grpc.health.v1.Health')
      .watch({ service: '' });
    let ended = false;
    const watching = health$.subscribe({ error: () => (ended = true), complete: () => (ended = true) });
    expect((await failure(service.client.talkBooks(NEVER))).code).toBe(Status.DEADLINE_EXCEEDED);
    expect(ended).toBe(false);
    watching.unsubscribe();
  });
});

describe('too much', () => {
  it.each(ways)(
    'in one message is RESOURCE_EXHAUSTED one byte beyond the limit of its method: %s',
    async (_way, batched) => {
      const head = 3; // the tag and the length of a string of this size
      await using service = await startShelf(
        { readFile: ({ path: file }: shelf.ReadFileRequest) => ({ path: String(file.length) }), getBook: () => ({}) },
        { ...batched, limits: { maxMessageBytes: 1000, maxMessageBytesOf: { [path]: 10_000 } } },
      );
      expect(await firstValueFrom(service.client.readFile({ path: 'x'.repeat(10_000 - head) }))).toEqual({
        path: '9997',
      });
      expect((await failure(service.client.readFile({ path: 'x'.repeat(10_001 - head) }))).code).toBe(
        Status.RESOURCE_EXHAUSTED,
      );
      expect(await firstValueFrom(service.client.getBook({ name: 'x'.repeat(1000 - head) }))).toBeDefined();
      expect(await failure(service.client.getBook({ name: 'x'.repeat(1001 - head) }))).toMatchObject({
        code: Status.RESOURCE_EXHAUSTED,
        reason: 'REQUEST_TOO_LARGE',
      });
    },
  );

  it('for a slow reader from a source that does not heed demand ends the stream', async () => {
    let torn = 0;
    await using service = await startShelf(
      {
        streamBooks: () =>
          new Observable((subscriber) => {
            const subscription = range(0, 100_000).subscribe(() => {
              if (!subscriber.closed) subscriber.next({ books: [{ number: 'x'.repeat(1000) }] });
            });
            return () => {
              torn++;
              subscription.unsubscribe();
            };
          }),
      },
      { limits: { maxUnsentBytes: 100_000 } },
    );
    expect((await failure(service.client.streamBooks(streamed))).code).toBe(Status.RESOURCE_EXHAUSTED);
    expect(torn).toBe(1);
  });

  it('for a slow server from a source that does not heed demand ends the call', async () => {
    await using service = await startShelf({ countBooks: () => NEVER });
    const channel = new GrpcChannel(service.target, { maxUnsentBytes: 100_000 });
    const client = channel.client<shelf.ShelfServiceClient>(testingContract, shelfServiceName);
    const requests = from(Array.from({ length: 10_000 }, () => ({ shelf: 'x'.repeat(1000), name: '' })));
    expect((await failure(client.countBooks(requests))).code).toBe(Status.RESOURCE_EXHAUSTED);
    channel.close();
  });
});

describe('a retry', () => {
  it.each(ways)(
    'is made for idempotent methods alone, and only when the server was unavailable: %s',
    async (_way, way) => {
      const calls: string[] = [];
      const { RpcError: Failure } = await import('../../src/grpc.ts');
      let code = Status.UNAVAILABLE;
      const fail = (name: string) => () => {
        calls.push(name);
        if (calls.filter((called) => called === name).length < 3)
          throw new Failure(code, 'UPSTREAM_UNAVAILABLE', 'not now');
        return { path: 'at last', name: 'at last' };
      };
      await using service = await startShelf({ getBook: fail('getBook'), readFile: fail('readFile') }, way);
      const { unaryCalls } = way;
      const channel = new GrpcChannel(service.target, { contracts: [testingContract], unaryCalls });
      const client = channel.client<shelf.ShelfServiceClient>(testingContract, shelfServiceName);
      expect(await firstValueFrom(client.getBook({ name: '' }))).toMatchObject({ name: 'at last' });
      expect((await failure(client.readFile({ path: '' }))).code).toBe(Status.UNAVAILABLE);
      expect(calls).toEqual(['getBook', 'getBook', 'getBook', 'readFile']);
      calls.length = 0;
      code = Status.ABORTED;
      expect((await failure(client.getBook({ name: '' }))).code).toBe(Status.ABORTED);
      expect(calls).toEqual(['getBook']);
      channel.close();
    },
  );
});

describe('a request that cannot be encoded', () => {
  it('fails the call, and nothing else', async () => {
    await using service = await startShelf({ countBooks: () => NEVER });
    const requests = new Subject<shelf.CountBooksRequest>();
    const failed = failure(service.client.countBooks(requests));
    requests.next({
      shelf: {
        toString: () => {
          throw new Error('no');
        },
      },
    } as never);
    expect((await failed).code).toBe(Status.INTERNAL);
    expect(await firstValueFrom(of(1))).toBe(1);
  });
});

describe('a handler that forgets to take the error of its requests', () => {
  it('does not end the process when the caller goes away', async () => {
    let received = 0;
    let context: CallContext | undefined;
    await using service = await startShelf({
      countBooks: (requests: Observable<shelf.CountBooksRequest>, call: CallContext) => {
        context = call;
        requests.subscribe(() => received++);
        return NEVER;
      },
      readFile: () => ({ path: 'alive' }),
    });
    const requests = new Subject<shelf.CountBooksRequest>();
    const calling = service.client.countBooks(requests).subscribe();
    requests.next({ shelf: '', name: '' });
    await until(() => received === 1);
    calling.unsubscribe();
    await until(() => context?.signal.aborted === true);
    // RxJS throws on a timer of its own; vitest would fail the run for it.
    await new Promise((resolve) => setTimeout(resolve));
    expect(await firstValueFrom(service.client.readFile({ path: '' }))).toEqual({ path: 'alive' });
  });
});

describe('a stream that the server ends', () => {
  it('is told behind which item it can be taken up again', async () => {
    await using service = await startShelf({
      streamBooks: () => concat(of({ books: [{ number: '7' }, { number: '8' }] }), NEVER),
    });
    const seen: string[] = [];
    const ended = new Promise<RpcError>((resolve) => {
      service.client.streamBooks(streamed).subscribe({
        next: ({ books }) => seen.push(...books.map(({ number }) => number)),
        error: resolve,
      });
    });
    await until(() => seen.length === 2);
    await service.close();
    expect(await ended).toMatchObject({
      code: Status.UNAVAILABLE,
      details: { metadata: { cursor: '8' }, retryDelayMs: 1000 },
    });
  });
});

describe('connections', () => {
  it('are balanced over all addresses of a target, and a server that went away is left out', async () => {
    const served: number[] = [0, 0];
    const start = (index: number) =>
      startShelf(
        { readFile: () => ((served[index] = (served[index] ?? 0) + 1), { path: '' }) },
        { listen: '127.0.0.1:0' },
      );
    await using one = await start(0);
    await using two = await start(1);
    const channel = new GrpcChannel(`ipv4:${one.server.address},${two.server.address}`);
    const client = channel.client<shelf.ShelfServiceClient>(testingContract, shelfServiceName);
    const call = () => firstValueFrom(client.readFile({ path: '' }));
    await call();
    for (let i = 0; i < 200 && served.includes(0); i++) await call();
    served.fill(0);
    for (let i = 0; i < 20; i++) await call();
    expect(served).toEqual([10, 10]);
    await one.close();
    served.fill(0);
    for (let i = 0; i < 20; i++) await call();
    expect(served).toEqual([0, 20]);
    channel.close();
  });

  it('of a name are found by DNS', async () => {
    await using service = await startShelf({ readFile: () => ({ path: 'found' }) }, { listen: '127.0.0.1:0' });
    const channel = new GrpcChannel(`dns:///localhost:${service.server.address.split(':')[1]}`);
    const client = channel.client<shelf.ShelfServiceClient>(testingContract, shelfServiceName);
    expect(await firstValueFrom(client.readFile({ path: '' }))).toEqual({ path: 'found' });
    channel.close();
  });

  it('that are idle or old are closed, and calls go on', async () => {
    await using service = await startShelf(
      { readFile: (_: never, { peer }: CallContext) => ({ path: peer }) },
      {
        listen: '127.0.0.1:0',
        limits: { maxConnectionIdleMs: 50, maxConnectionAgeMs: 100, maxConnectionAgeGraceMs: 1000 },
      },
    );
    const channel = new GrpcChannel(service.server.address);
    const client = channel.client<shelf.ShelfServiceClient>(testingContract, shelfServiceName);
    const peers = new Set<string>();
    while (peers.size < 3) {
      peers.add((await firstValueFrom(client.readFile({ path: '' }))).path);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(peers.size).toBe(3);
    channel.close();
  });
});
