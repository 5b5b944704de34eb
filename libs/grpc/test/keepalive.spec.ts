import { status as Status } from '@grpc/grpc-js';
import { type shelf, testingContract } from '@rollcall/proto/testing';
import { concat, NEVER, Observable, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type CallContext, GrpcChannel, type GrpcChannelOptions } from '../src/grpc.ts';
import { failure } from './faults/servers.ts';
import { type Shelf, shelfServiceName, startShelf, until } from './shelf-service.ts';
import { startProxy } from './silent-proxy.ts';

const soon = 50;

function connect(target: string, options: GrpcChannelOptions = {}) {
  const channel = new GrpcChannel(target, options);
  return {
    client: channel.client<Shelf>(testingContract, shelfServiceName),
    [Symbol.dispose]: () => channel.close(),
  };
}

/** Calls of all four kinds, none of which ends by itself. */
const openCalls = (client: Shelf): Observable<unknown>[] => [
  client.readFile({ path: '' }, { deadline: Date.now() + 3_600_000 }),
  client.countBooks(concat(of({ shelf: '', name: 'a' }), NEVER), { deadline: Date.now() + 3_600_000 }),
  client.streamBooks({} as shelf.StreamBooksRequest),
  client.talkBooks(concat(of({ shelf: '', name: 'a' }), NEVER)),
];

/** Handlers whose calls go on until they are torn down. */
function endlessHandlers() {
  const contexts: CallContext[] = [];
  const torn: string[] = [];
  const handler = (_: never, context: CallContext) =>
    new Observable(() => {
      contexts.push(context);
      context.signal.addEventListener('abort', () => undefined);
      return () => torn.push(context.method.name);
    });
  return {
    contexts,
    torn,
    handlers: { readFile: handler, countBooks: handler, streamBooks: handler, talkBooks: handler },
  };
}

describe('a server', () => {
  it('notices a client that died without a word, frees its calls, and leaves those of others alone', async () => {
    const { contexts, torn, handlers } = endlessHandlers();
    await using service = await startShelf(handlers, {
      limits: { keepaliveTimeMs: soon, keepaliveTimeoutMs: soon },
    });
    await using proxy = await startProxy(service);
    using dying = connect(proxy.target);
    using living = connect(service.target);
    const calls = [...openCalls(living.client), ...openCalls(dying.client)].map((call) =>
      call.subscribe({ error: () => undefined }),
    );
    await until(() => contexts.length === 8);
    proxy.fallSilent();
    await until(() => torn.length === 4);
    expect(torn.toSorted()).toEqual(['CountBooks', 'ReadFile', 'StreamBooks', 'TalkBooks']);
    const aborted = contexts.filter(({ signal }) => signal.aborted);
    expect(aborted.map(({ signal }) => signal.reason as unknown)).toEqual(
      Array.from({ length: 4 }, () => expect.objectContaining({ code: Status.CANCELLED }) as unknown),
    );
    for (const call of calls) call.unsubscribe();
  });
});

describe('a client', () => {
  it('notices a server that died without a word: its calls end with UNAVAILABLE', async () => {
    const { contexts, handlers } = endlessHandlers();
    await using service = await startShelf(handlers);
    await using proxy = await startProxy(service);
    using connection = connect(proxy.target, {
      channelOptions: { 'grpc.keepalive_time_ms': soon, 'grpc.keepalive_timeout_ms': soon },
    });
    const failures = openCalls(connection.client).map(failure);
    await until(() => contexts.length === 4);
    proxy.fallSilent();
    for (const { code } of await Promise.all(failures)) expect(code).toBe(Status.UNAVAILABLE);
  });
});
