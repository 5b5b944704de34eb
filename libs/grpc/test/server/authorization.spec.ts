import { ServerInterceptingCall, type ServerInterceptor, status as Status } from '@grpc/grpc-js';
import { health, type reflection, systemContract } from '../../src/grpc.ts';
import type { shelf } from '@rollcall/contract/testing';
import { firstValueFrom, interval, lastValueFrom, map, NEVER, Observable, of, Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type Authorize, type IncomingCall } from '../../src/server/authorization.ts';
import { type CallContext } from '../../src/context/call-context.ts';
import { RpcError } from '../../src/status/rpc-error.ts';
import { type Handlers, shelfServiceName, startShelf, until } from '../shelf-service.ts';
import { ways } from '../ways.ts';

const denied = new RpcError(Status.PERMISSION_DENIED, 'NOT_PERMITTED', 'You may not.');
const failure = (call: Observable<unknown>): Promise<RpcError> =>
  lastValueFrom(call, { defaultValue: undefined }).then(
    () => Promise.reject(new Error('the call did not fail')),
    (error: RpcError) => error,
  );
const book = {} as shelf.CountBooksRequest;
const streamed = {} as shelf.StreamBooksRequest;

describe.each(ways)('a server that asks who calls, unary ones %s,', (_way, batched) => {
  /** Starts a service that lets streams pass that carry calls, and asks for all else. */
  const start = (handlers: Handlers, { authorize }: { readonly authorize: Authorize }) =>
    startShelf(handlers, {
      ...batched,
      authorize: (call) => (/^(testing|grpc)\./.test(call.method.service) ? authorize(call) : { caller: 'nobody' }),
    });

  it.each([
    [
      'at once',
      () => {
        throw denied;
      },
    ],
    ['after a while', () => Promise.reject(denied)],
  ] as const)('denies a call of each kind %s, and its handler hears nothing', async (_, authorize) => {
    const handled: string[] = [];
    const handler = (_request: never, { method }: CallContext): never => {
      handled.push(method.name);
      throw new Error('the call was let in');
    };
    await using service = await start(
      { readFile: handler, streamBooks: handler, countBooks: handler, talkBooks: handler },
      { authorize },
    );
    const requests = interval(1).pipe(map(() => book));
    for (const call of [
      service.client.readFile({ path: '' }),
      service.client.streamBooks(streamed),
      service.client.countBooks(requests),
      service.client.talkBooks(requests),
    ])
      expect(await failure(call)).toMatchObject({ code: Status.PERMISSION_DENIED, reason: 'NOT_PERMITTED' });
    expect(handled).toEqual([]);
  });

  it('asks also where the server was given interceptors of its own', async () => {
    let passed = 0;
    const pass: ServerInterceptor = (_, call) => {
      passed += 1;
      return new ServerInterceptingCall(call);
    };
    const authorize: Authorize = () => {
      throw denied;
    };
    const given = { ...batched, authorize, channelOptions: { interceptors: [pass] } };
    await using service = await startShelf({ readFile: () => ({}) }, given);
    expect(await failure(service.client.readFile({ path: '' }))).toMatchObject({ code: Status.PERMISSION_DENIED });
    expect(passed).toBeGreaterThan(0);
  });

  it('asks for health and reflection too, and tells who it is that calls, by which method, from where', async () => {
    const asked: IncomingCall[] = [];
    await using service = await start(
      {},
      {
        authorize: (call) => {
          asked.push(call);
          throw denied;
        },
      },
    );
    const checks = service.channel.client<health.HealthClient>(systemContract, 'grpc.health.v1.Health');
    const reflects = service.channel.client<reflection.ServerReflectionClient>(
      systemContract,
      'grpc.reflection.v1.ServerReflection',
    );
    await failure(checks.check({ service: '' }));
    await failure(checks.watch({ service: '' }));
    await failure(reflects.serverReflectionInfo(NEVER));
    expect(asked.map(({ method }) => method.path)).toEqual([
      '/grpc.health.v1.Health/Check',
      '/grpc.health.v1.Health/Watch',
      '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    ]);
    expect(asked.every(({ peer }) => typeof peer === 'string')).toBe(true);
  });

  it('reads no message before it knows', async () => {
    const { promise, resolve } = Promise.withResolvers<{ caller: string }>();
    let received = 0;
    await using service = await start(
      {
        countBooks: (requests: Observable<unknown>) =>
          new Observable((subscriber) =>
            requests.subscribe({
              next: () => (received += 1),
              complete: () => {
                subscriber.next({ count: received });
                subscriber.complete();
              },
            }),
          ),
      },
      { authorize: () => promise },
    );
    const sent = new Subject<shelf.CountBooksRequest>();
    const answer = firstValueFrom(service.client.countBooks(sent));
    for (let count = 0; count < 3; count += 1) sent.next(book);
    const other = failure(service.client.readFile({ path: '' }, { deadline: Date.now() + 50 }));
    expect((await other).code).toBe(Status.DEADLINE_EXCEEDED);
    expect(received).toBe(0);
    resolve({ caller: 'Ada' });
    sent.complete();
    await answer;
    expect(received).toBe(3);
  });

  it('gives handlers the caller, each its own', async () => {
    let next = 0;
    await using service = await start(
      { readFile: (_: never, { caller }: CallContext) => ({ path: String(caller) }) },
      { authorize: () => ({ caller: (next += 1) }) },
    );
    const answers = await Promise.all([1, 2, 3].map(() => firstValueFrom(service.client.readFile({ path: '' }))));
    expect(answers.map(({ path }) => path).toSorted()).toEqual(['1', '2', '3']);
  });

  it('checks each request before the handler sees it', async () => {
    const seen: unknown[] = [];
    let max = 2;
    const checkRequest = (): void => {
      max -= 1;
      if (max < 0) throw denied;
    };
    await using service = await start(
      {
        readFile: ({ path }: shelf.ReadFileRequest) => ({ path }),
        talkBooks: (requests: Observable<unknown>) =>
          new Observable((subscriber) =>
            requests.subscribe({
              next: (request) => seen.push(request),
              error: (error: unknown) => subscriber.error(error),
            }),
          ),
      },
      { authorize: () => ({ caller: undefined, checkRequest }) },
    );
    expect((await failure(service.client.talkBooks(of(book, book, book)))).reason).toBe('NOT_PERMITTED');
    expect(seen).toHaveLength(2);
    expect((await failure(service.client.readFile({ path: '' }))).reason).toBe('NOT_PERMITTED');
  });

  it('ends a stream when it is told to, and says when a call is over', async () => {
    let open = 0;
    let end: ((error: RpcError) => void) | undefined;
    const authorize: Authorize = () => ({
      caller: undefined,
      onOpen: (ends) => {
        end = ends;
        open += 1;
        return () => (open -= 1);
      },
    });
    let torn = 0;
    await using service = await start(
      { streamBooks: () => new Observable(() => () => (torn += 1)), readFile: () => ({ path: '' }) },
      { authorize },
    );
    await firstValueFrom(service.client.readFile({ path: '' }));
    await until(() => open === 0);
    const ended = failure(service.client.streamBooks(streamed));
    await until(() => open === 1);
    end?.(denied);
    expect((await ended).reason).toBe('NOT_PERMITTED');
    await until(() => torn === 1 && open === 0);
    const left = service.client.streamBooks(streamed).subscribe();
    await until(() => open === 1);
    left.unsubscribe();
    await until(() => open === 0 && torn === 2);
  });

  it('starts no handler for a caller who has left while it asked', async () => {
    const { promise, resolve } = Promise.withResolvers<{ caller: undefined }>();
    let handled = 0;
    let asked = 0;
    const handler = () => {
      handled += 1;
      return NEVER;
    };
    await using service = await start(
      { streamBooks: handler, talkBooks: handler, readFile: () => ({ path: 'later' }) },
      { authorize: () => ((asked += 1) <= 2 ? promise : { caller: undefined }) },
    );
    const calls = [service.client.streamBooks(streamed).subscribe(), service.client.talkBooks(NEVER).subscribe()];
    await until(() => asked === 2);
    for (const call of calls) call.unsubscribe();
    await firstValueFrom(service.client.readFile({ path: '' })); // behind the two resets on the same connection
    resolve({ caller: undefined });
    await firstValueFrom(service.client.readFile({ path: '' }));
    expect(handled).toBe(0);
  });

  it('answers INTERNAL without the cause when asking fails', async () => {
    await using service = await start({}, { authorize: () => Promise.reject(new Error('password=hunter2')) });
    const error = await failure(service.client.readFile({ path: '' }));
    expect(error).toMatchObject({ code: Status.INTERNAL, reason: 'INTERNAL' });
    expect(JSON.stringify(error)).not.toContain('hunter2');
  });

  it('knows no method that is not served', async () => {
    await using service = await start(
      {},
      {
        authorize: () => {
          throw denied;
        },
      },
    );
    const method = {
      path: `/${shelfServiceName}/Nothing`,
      requestStream: false,
      responseStream: false,
      encode: () => Buffer.alloc(0),
      decode: () => ({}),
    };
    expect((await failure(service.channel.call(method, {}))).code).toBe(Status.UNIMPLEMENTED);
  });
});
