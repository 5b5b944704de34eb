import { status as Status } from '@grpc/grpc-js';
import { testingContract } from '@rollcall/contract/testing';
import { describe, expect, it } from 'vitest';
import { GrpcChannel, type GrpcChannelOptions } from '../../src/client/channel.ts';
import { endlessCalls, endlessHandlers, kinds } from '../endless-calls.ts';
import { failure } from '../faults/servers.ts';
import { type Shelf, shelfServiceName, startShelf, until } from '../shelf-service.ts';
import { startProxy } from './silent-proxy.ts';

/** Soon after the other side fell silent, and late enough for one that is alive on a busy machine to answer. */
const keepalive = { timeMs: 50, timeoutMs: 2000 };

function connect(target: string, options: GrpcChannelOptions = {}) {
  const channel = new GrpcChannel(target, options);
  return {
    client: channel.client<Shelf>(testingContract, shelfServiceName),
    [Symbol.dispose]: () => channel.close(),
  };
}

describe('a server', () => {
  it('notices a client that died without a word, frees its calls, and leaves those of others alone', async () => {
    const { running, torn, reasons, handlers } = endlessHandlers();
    await using service = await startShelf(handlers, {
      limits: { keepaliveTimeMs: keepalive.timeMs, keepaliveTimeoutMs: keepalive.timeoutMs },
    });
    await using proxy = await startProxy(service);
    using dying = connect(proxy.target);
    using living = connect(service.target);
    const calls = [...endlessCalls(living.client), ...endlessCalls(dying.client)].map((call) =>
      call.subscribe({ error: () => undefined }),
    );
    await until(() => running.length === 8);
    proxy.fallSilent();
    await until(() => torn.length === 4);
    expect(torn.toSorted()).toEqual(kinds.toSorted());
    expect(Object.values(reasons)).toMatchObject(kinds.map(() => ({ code: Status.CANCELLED })));
    for (const call of calls) call.unsubscribe();
  });
});

describe('a client', () => {
  it('notices a server that died without a word: its calls end with UNAVAILABLE', async () => {
    const { running, handlers } = endlessHandlers();
    await using service = await startShelf(handlers);
    await using proxy = await startProxy(service);
    using connection = connect(proxy.target, {
      channelOptions: {
        'grpc.keepalive_time_ms': keepalive.timeMs,
        'grpc.keepalive_timeout_ms': keepalive.timeoutMs,
      },
    });
    const failures = endlessCalls(connection.client).map(failure);
    await until(() => running.length === 4);
    proxy.fallSilent();
    for (const { code } of await Promise.all(failures)) expect(code).toBe(Status.UNAVAILABLE);
  });
});
