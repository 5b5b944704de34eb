import { Metadata, status as Status } from '@grpc/grpc-js';
import { type shelf, testingContract } from '@rollcall/contract/testing';
import {
  catchError,
  defer,
  firstValueFrom,
  from,
  ignoreElements,
  lastValueFrom,
  map,
  mergeMap,
  NEVER,
  Observable,
  of,
  repeat,
  switchMap,
  tap,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchClient } from '../src/client/batched-request.ts';
import { batchServer } from '../src/server/batch-servers.ts';
import { type CallContext, currentCall, GrpcChannel, type GrpcChannelOptions, RpcError } from '@rollcall/grpc';
import { batchPath } from '../src/wire/method.ts';
import { decodeBatchResponse, encodeBatchRequest } from '../src/wire/frames.ts';
import { failure, openBatchStream, watchStreams } from './batch-peers.ts';
import { batched } from './batched.ts';
import { type Service, type Shelf, shelfServiceName, startShelf, until } from '../../grpc/test/shelf-service.ts';

const readPath = `/${shelfServiceName}/ReadFile`;

const echo = ({ path }: shelf.ReadFileRequest) => ({ path });

/** A second channel to a service. */
function connect(
  { target }: Pick<Service, 'target'>,
  options: GrpcChannelOptions = {},
): Disposable & { client: Shelf } {
  const channel = new GrpcChannel(target, { defaultDeadlineMs: 60_000, ...options });
  return {
    client: channel.client<Shelf>(testingContract, shelfServiceName),
    [Symbol.dispose]: () => channel.close(),
  };
}

describe('batched calls', () => {
  it('share one stream, and each gets its own answer, in whichever order they are there', async () => {
    const waiting: (() => void)[] = [];
    await using service = await startShelf(
      {
        readFile: ({ path }: shelf.ReadFileRequest) =>
          new Promise((resolve) => waiting.push(() => resolve({ path: `answer ${path}` }))),
      },
      batched,
    );
    const { paths } = watchStreams(service);
    const order: string[] = [];
    const numbers = Array.from({ length: 500 }, (_, index) => String(index));
    const answers = numbers.map((path) =>
      firstValueFrom(service.client.readFile({ path }).pipe(tap(({ path: answer }) => order.push(answer)))),
    );
    await until(() => waiting.length === 500);
    for (const answer of waiting.toReversed()) answer();
    expect((await Promise.all(answers)).map(({ path }) => path)).toEqual(numbers.map((path) => `answer ${path}`));
    expect(order).toEqual(numbers.map((path) => `answer ${path}`).toReversed());
    expect(paths).toEqual([batchPath]);
  });

  it('do not wait for a slow one', async () => {
    await using service = await startShelf({ readFile: echo, getBook: () => NEVER }, batched);
    const slow = service.client.getBook({ name: '' }).subscribe();
    for (let call = 0; call < 20; call++)
      expect(await firstValueFrom(service.client.readFile({ path: 'x' }))).toEqual({ path: 'x' });
    expect(slow.closed).toBe(false);
    slow.unsubscribe();
  });

  it('that came together are not all made before the first are answered, nor is one that was cancelled meanwhile', async () => {
    const made: string[] = [];
    await using service = await startShelf(
      {
        readFile: ({ path }: shelf.ReadFileRequest) => {
          made.push(path);
          return { path };
        },
      },
      batched,
    );
    using batches = openBatchStream(service.target);
    const calls = Array.from({ length: 200 }, (_, index) => ({
      id: index + 1,
      method: readPath,
      timeoutMs: 60_000,
      metadata: new Metadata(),
      request: Buffer.from([0x0a, 1, 0x61]),
    }));
    batches.stream.write(encodeBatchRequest({ calls, cancelledIds: [] }));
    batches.stream.write(encodeBatchRequest({ calls: [], cancelledIds: [200] }));
    const answered = (): number[] =>
      batches.received.flatMap((frame) => decodeBatchResponse(frame).replies.map(({ id }) => id));
    await until(() => answered().length === 199);
    expect(answered()).toEqual(calls.slice(0, 199).map(({ id }) => id));
    const [first] = batches.received.map((frame) => decodeBatchResponse(frame).replies.length);
    expect(first).toBe(16);
    expect(made).toHaveLength(199);
  });

  it('bring their metadata, repeated and binary, and the caller’s user agent', async () => {
    let context: CallContext | undefined;
    await using service = await startShelf(
      { readFile: (request: shelf.ReadFileRequest, call: CallContext) => ((context = call), echo(request)) },
      batched,
    );
    const metadata = new Metadata();
    metadata.add('x-text', 'a');
    metadata.add('x-text', 'b');
    metadata.add('x-data-bin', Buffer.from([0, 255]));
    await firstValueFrom(service.client.readFile({ path: '' }, { metadata }));
    expect(context?.metadata.get('x-text')).toEqual(['a', 'b']);
    expect(context?.metadata.get('x-data-bin')).toEqual([Buffer.from([0, 255])]);
    expect(String(context?.metadata.get('user-agent'))).toContain('grpc-node-js');
    expect(context?.peer).toBeDefined();
    expect(Math.abs((context?.deadline ?? 0) - Date.now() - 60_000)).toBeLessThan(30_000);
  });

  it('bring back trailers, repeated and binary, of success and failure', async () => {
    await using service = await startShelf(
      {
        readFile: ({ path }: shelf.ReadFileRequest, context: CallContext) => {
          context.trailers.add('x-text', 'a');
          context.trailers.add('x-text', 'b');
          context.trailers.add('x-data-bin', Buffer.from([0, 255]));
          if (path === 'fail') throw new RpcError(Status.NOT_FOUND, 'USER_NOT_FOUND', 'No.');
          return { path };
        },
      },
      batched,
    );
    const got: Metadata[] = [];
    const onTrailers = (trailers: Metadata): void => void got.push(trailers);
    await firstValueFrom(service.client.readFile({ path: '' }, { onTrailers }));
    await failure(service.client.readFile({ path: 'fail' }, { onTrailers }));
    await until(() => got.length === 2);
    for (const trailers of got) {
      expect(trailers.get('x-text')).toEqual(['a', 'b']);
      expect(trailers.get('x-data-bin')).toEqual([Buffer.from([0, 255])]);
    }
  });

  it('fail as plain ones do, with the same details', async () => {
    await using service = await startShelf(
      {
        readFile: () => {
          throw new RpcError(Status.ABORTED, 'ETAG_MISMATCH', 'It has changed: ü.', {
            metadata: { id: '7' },
            violations: [{ field: 'etag', description: 'is old', reason: 'r' }],
            retryDelayMs: 1500,
          });
        },
        getBook: () => Promise.reject(new RpcError(Status.UNIMPLEMENTED, 'NOT_OFFERED', 'Not here.')),
      },
      batched,
    );
    using plain = connect(service);
    const listing = { pageSize: -1 } as shelf.ListBooksRequest;
    for (const call of [
      (client: Shelf) => client.readFile({ path: '' }),
      (client: Shelf) => client.getBook({ name: '' }),
      (client: Shelf) => client.listBooks(listing),
    ]) {
      const [one, other] = [await failure(call(service.client)), await failure(call(plain.client))];
      const told = ({ code, reason, message, details }: RpcError) => ({ code, reason, message, details });
      expect(told(one)).toEqual(told(other));
    }
  });

  it('of a method that nobody serves fail alone', async () => {
    await using service = await startShelf({ readFile: echo }, batched);
    const method = {
      path: '/a.B/C',
      requestStream: false,
      responseStream: false,
      encode: () => Buffer.alloc(0),
      decode: () => 0,
    };
    expect((await failure(service.channel.call(method, {}))).code).toBe(Status.UNIMPLEMENTED);
    expect(await firstValueFrom(service.client.readFile({ path: 'x' }))).toEqual({ path: 'x' });
  });

  it('are cancelled together with the call that they are made for', async () => {
    const torn: string[] = [];
    let running = 0;
    await using upstream = await startShelf(
      { readFile: () => new Observable(() => ((running += 1), () => torn.push('upstream'))) },
      batched,
    );
    await using service = await startShelf(
      { getBook: () => upstream.client.readFile({ path: '' }).pipe(map(() => ({}))) },
      batched,
    );
    const call = service.client.getBook({ name: '' }).subscribe();
    await until(() => running === 1);
    call.unsubscribe();
    await until(() => torn.length === 1);
    expect(running).toBe(1);
  });

  it('stay each in the context of its caller, also in what an answer leads to', async () => {
    await using upstream = await startShelf(
      { readFile: (_: never, { requestId }: CallContext) => ({ path: requestId }) },
      batched,
    );
    await using service = await startShelf(
      {
        readFile: ({ path }: shelf.ReadFileRequest) =>
          of(0).pipe(
            mergeMap(() => upstream.client.readFile({ path })),
            switchMap((first) =>
              upstream.client
                .readFile({ path })
                .pipe(map((second) => ({ path: [first.path, second.path, currentCall()?.requestId].join(' ') }))),
            ),
          ),
      },
      batched,
    );
    const ids = Array.from({ length: 50 }, (_, index) => `request-${index}`);
    const answers = await Promise.all(
      ids.map((id) => {
        const metadata = new Metadata();
        metadata.set('x-request-id', id);
        return firstValueFrom(service.client.readFile({ path: '' }, { metadata }));
      }),
    );
    expect(answers.map(({ path }) => path)).toEqual(ids.map((id) => `${id} ${id} ${id}`));
  });

  it('are authorized each on its own', async () => {
    await using service = await startShelf(
      { readFile: (_: never, { caller }: CallContext) => ({ path: String(caller) }) },
      {
        ...batched,
        authorize: ({ method, metadata }) => {
          const name = String(metadata.get('authorization')[0]);
          if (method.path === batchPath) return { caller: 'nobody' };
          if (name === 'mallory') throw new RpcError(Status.PERMISSION_DENIED, 'NOT_PERMITTED', 'You may not.');
          return name === 'slow'
            ? new Promise((resolve) => setImmediate(() => resolve({ caller: name })))
            : { caller: name };
        },
      },
    );
    const as = (name: string) => {
      const metadata = new Metadata();
      metadata.set('authorization', name);
      return service.client.readFile({ path: '' }, { metadata });
    };
    const [denied, ...answers] = await Promise.all([
      failure(as('mallory')),
      ...['ada', 'slow', 'bob'].map((name) => firstValueFrom(as(name))),
    ]);
    expect(denied).toMatchObject({ code: Status.PERMISSION_DENIED, reason: 'NOT_PERMITTED' });
    expect(answers.map(({ path }) => path)).toEqual(['ada', 'slow', 'bob']);
  });
});

describe('a call is made plainly', () => {
  it('to a server that takes no batched calls, which is asked once', async () => {
    let calls = 0;
    await using service = await startShelf({
      readFile: (request: shelf.ReadFileRequest) => ((calls += 1), echo(request)),
    });
    const { paths } = watchStreams(service);
    using other = connect(service, { unaryCalls: batchClient() });
    const answers = await Promise.all(['a', 'b'].map((path) => firstValueFrom(other.client.readFile({ path }))));
    expect(answers).toEqual([{ path: 'a' }, { path: 'b' }]);
    expect(await firstValueFrom(other.client.readFile({ path: 'c' }))).toEqual({ path: 'c' });
    expect(calls).toBe(3);
    expect(paths).toEqual([batchPath, readPath, readPath, readPath]);
  });

  it.each([
    ['denies', new RpcError(Status.PERMISSION_DENIED, 'NOT_PERMITTED', 'No streams.')],
    ['cannot decide about', new Error('the database is away')],
  ])('to a server that %s the stream, so that each hears its own verdict', async (_, error) => {
    await using service = await startShelf(
      { readFile: echo },
      {
        ...batched,
        authorize: ({ method }) => {
          if (method.path === batchPath) throw error;
          return { caller: undefined };
        },
      },
    );
    expect(await firstValueFrom(service.client.readFile({ path: 'x' }))).toEqual({ path: 'x' });
  });

  it('when it is large, or has no deadline', async () => {
    await using service = await startShelf(
      { readFile: ({ path }: shelf.ReadFileRequest) => ({ path: path.slice(0, 1) }) },
      batched,
    );
    const { paths } = watchStreams(service);
    await firstValueFrom(service.client.readFile({ path: 'x'.repeat(64 * 1024) }));
    await firstValueFrom(service.client.readFile({ path: 'x' }, { deadline: Infinity }));
    expect(paths).toEqual([readPath, readPath]);
  });
});

describe('an answer', () => {
  it('may be large, and one beyond what the caller takes fails alone', async () => {
    await using service = await startShelf(
      { readFile: ({ path }: shelf.ReadFileRequest) => ({ path: 'x'.repeat(Number(path)) }) },
      batched,
    );
    const [large, tooLarge, small] = await Promise.all([
      firstValueFrom(service.client.readFile({ path: '3000000' })),
      failure(service.client.readFile({ path: '5000000' })),
      firstValueFrom(service.client.readFile({ path: '3' })),
    ]);
    expect([large.path.length, tooLarge.code, small.path]).toEqual([3_000_000, Status.RESOURCE_EXHAUSTED, 'xxx']);
  });
});

describe('bounds', () => {
  it('make callers wait for room, in order', async () => {
    const running: (() => void)[] = [];
    await using service = await startShelf(
      {
        readFile: (request: shelf.ReadFileRequest) =>
          new Promise((resolve) => running.push(() => resolve(echo(request)))),
      },
      batched,
    );
    using bounded = connect(service, { unaryCalls: batchClient({ maxCalls: 2 }) });
    const answers = lastValueFrom(from(['a', 'b', 'c']).pipe(mergeMap((path) => bounded.client.readFile({ path }))));
    await until(() => running.length === 2);
    for (const answer of running.splice(0)) answer();
    await until(() => running.length === 1);
    running[0]?.();
    expect(await answers).toEqual({ path: 'c' });
  });

  it('are RESOURCE_EXHAUSTED for who waits up to the deadline', async () => {
    let running = 0;
    await using service = await startShelf({ readFile: () => ((running += 1), NEVER), getBook: () => ({}) }, batched);
    using bounded = connect(service, { unaryCalls: batchClient({ maxCalls: 1 }) });
    const first = bounded.client.readFile({ path: '' }).subscribe();
    await until(() => running === 1);
    expect(await failure(bounded.client.readFile({ path: '' }, { deadline: Date.now() + 50 }))).toMatchObject({
      code: Status.RESOURCE_EXHAUSTED,
      reason: 'TOO_MANY_CALLS',
    });
    first.unsubscribe();
    expect(await firstValueFrom(bounded.client.getBook({ name: '' }))).toBeDefined();
    expect(running).toBe(1);
  });

  it.each([
    ['server', { plugins: [batchServer({ maxCalls: 1 })] }],
    ['connection', { plugins: [batchServer()], limits: { maxCallsPerConnection: 1 } }],
  ])('of the %s are RESOURCE_EXHAUSTED for the calls beyond them', async (_, options) => {
    let running = 0;
    await using service = await startShelf({ readFile: () => ((running += 1), NEVER) }, options);
    using other = connect(service, { unaryCalls: batchClient() });
    const first = other.client.readFile({ path: '' }).subscribe();
    await until(() => running === 1);
    expect(await failure(other.client.readFile({ path: '' }))).toMatchObject({
      code: Status.RESOURCE_EXHAUSTED,
      reason: 'TOO_MANY_CALLS',
      details: { retryDelayMs: 1000 },
    });
    first.unsubscribe();
  });
});

describe('when the connection breaks', () => {
  it('idempotent calls are made again, and others are UNAVAILABLE, with their handlers torn down', async () => {
    let books = 0;
    const reasons: unknown[] = [];
    await using service = await startShelf(
      {
        getBook: () => ((books += 1) === 1 ? NEVER : { name: 'again' }),
        readFile: (_: never, { signal }: CallContext) => {
          signal.addEventListener('abort', () => reasons.push((signal.reason as RpcError).code));
          return NEVER;
        },
      },
      batched,
    );
    const { sessions } = watchStreams(service);
    const again = firstValueFrom(service.client.getBook({ name: '' }));
    const lost = failure(service.client.readFile({ path: '' }));
    await until(() => books === 1);
    for (const session of sessions) session.destroy();
    expect((await lost).code).toBe(Status.UNAVAILABLE);
    expect(await again).toMatchObject({ name: 'again' });
    await until(() => reasons.length === 1);
    expect(reasons).toEqual([Status.CANCELLED]);
  });

  it('new calls find the server again', async () => {
    await using service = await startShelf({ getBook: () => ({ name: 'x' }) }, batched);
    const { sessions, paths } = watchStreams(service);
    await firstValueFrom(service.client.getBook({ name: '' }));
    for (const session of sessions) session.destroy();
    expect(await firstValueFrom(service.client.getBook({ name: '' }))).toMatchObject({ name: 'x' });
    await until(() => paths.filter((path) => path === batchPath).length >= 1);
  });
});

describe('a server that ends', () => {
  it('lets the calls finish that are under way, and takes no more', async () => {
    const gate = Promise.withResolvers<{ path: string }>();
    let running = 0;
    await using service = await startShelf(
      {
        readFile: ({ path }: shelf.ReadFileRequest) => (path === 'new' ? { path } : ((running += 1), gate.promise)),
      },
      { ...batched, drainMs: 30_000 },
    );
    const answer = firstValueFrom(service.client.readFile({ path: '' }));
    await until(() => running === 1);
    const closed = service.close();
    // Until the notice is here, calls are under way.
    const refused = await firstValueFrom(
      defer(() => service.client.readFile({ path: 'new' })).pipe(
        repeat(),
        ignoreElements(),
        catchError((error: RpcError) => of(error.code)),
      ),
    );
    expect(refused).toBe(Status.UNAVAILABLE);
    gate.resolve({ path: 'finished' });
    expect(await answer).toEqual({ path: 'finished' });
    await closed;
  });

  it('ends those that take too long with UNAVAILABLE', async () => {
    let running = 0;
    await using service = await startShelf({ readFile: () => ((running += 1), NEVER) }, batched);
    const lost = failure(service.client.readFile({ path: '' }));
    await until(() => running === 1);
    await service.close();
    expect(await lost).toMatchObject({ code: Status.UNAVAILABLE, details: { retryDelayMs: 1000 } });
  });
});

describe('a channel that is closed', () => {
  it('lets its calls finish', async () => {
    const gate = Promise.withResolvers<{ path: string }>();
    let running = 0;
    await using service = await startShelf({ readFile: () => ((running += 1), gate.promise) }, batched);
    const answer = firstValueFrom(service.client.readFile({ path: '' }));
    await until(() => running === 1);
    service.channel.close();
    gate.resolve({ path: 'finished' });
    expect(await answer).toEqual({ path: 'finished' });
  });
});
