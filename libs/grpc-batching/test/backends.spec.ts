import dns from 'node:dns';
import { type shelf, testingContract } from '@rollcall/contract/testing';
import { EMPTY, firstValueFrom, NEVER, type Observable, type Subscription } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { batchClient } from '../src/client/batched-request.ts';
import { type Authorize, GrpcChannel, Backends } from '@rollcall/grpc';
import { batchPath } from '../src/wire/method.ts';
import { watchStreams } from './batch-peers.ts';
import { batched } from './batched.ts';
import {
  type Handlers,
  type Service,
  type Shelf,
  shelfServiceName,
  startShelf,
  until,
} from '../../grpc/test/shelf-service.ts';

interface Server {
  readonly service: Service;
  readonly address: string;
  /** What has reached it. */
  readonly paths: string[];
  /** How many calls its handler has had. */
  calls: number;
}

/** Starts a server on a loopback address; its name is what it answers to ReadFile by default. */
async function startServer(
  listen: string,
  {
    batching = true,
    authorize = undefined as Authorize | undefined,
    readFile = undefined as Handlers['readFile'],
    getBook = undefined as Handlers['getBook'],
  } = {},
): Promise<Server & AsyncDisposable> {
  const service = await startShelf(
    {
      readFile: (request: never, context) => (
        (server.calls += 1),
        readFile?.(request, context) ?? { path: server.address }
      ),
      getBook: (request: never, context) => (
        (server.calls += 1),
        getBook?.(request, context) ?? { name: server.address }
      ),
      streamBooks: () => ((server.calls += 1), EMPTY),
      countBooks: () => ((server.calls += 1), { count: '0', shelves: [] }),
      talkBooks: () => ((server.calls += 1), EMPTY),
    },
    {
      ...(batching && batched),
      listen,
      drainMs: authorize === undefined ? 20_000 : 0,
      ...(authorize !== undefined && { authorize }),
    },
  );
  const { address } = service.server;
  const { paths } = watchStreams(service);
  const server = { service, address, paths, calls: 0, [Symbol.asyncDispose]: () => service[Symbol.asyncDispose]() };
  return server;
}

function connect(target: string, batchedCalls = true): Disposable & { readonly client: Shelf } {
  const channel = new GrpcChannel(target, {
    defaultDeadlineMs: 60_000,
    ...(batchedCalls && { unaryCalls: batchClient() }),
    contracts: [testingContract],
  });
  return {
    client: channel.client<Shelf>(testingContract, shelfServiceName),
    [Symbol.dispose]: () => channel.close(),
  };
}

const portOf = ({ address }: Server): string => address.slice(address.lastIndexOf(':') + 1);
const addressesOf = (...servers: Server[]): string => `ipv4:${servers.map(({ address }) => address).join(',')}`;
const read = (client: Shelf): Promise<shelf.ReadFileResponse> => firstValueFrom(client.readFile({ path: '' }));

/** Makes one call after the other until something holds. */
async function readUntil(client: Shelf, condition: () => boolean): Promise<void> {
  while (!condition()) await read(client);
}

/** Makes calls, one after the other, until a stream to each server has brought some. */
async function reachAll(client: Shelf, ...servers: Server[]): Promise<void> {
  const before = new Map(servers.map((server) => [server, server.calls]));
  await readUntil(client, () => servers.every((server) => server.calls > (before.get(server) ?? 0)));
}

describe('batched calls to several servers', () => {
  it('have a stream to each, and go to the one with the fewest calls under way', async () => {
    let wait = false;
    const readFile = () => (wait ? NEVER : undefined);
    await using one = await startServer('127.0.0.1:0', { readFile });
    await using two = await startServer('127.0.0.2:0', { readFile });
    await using three = await startServer('127.0.0.3:0', { readFile });
    const servers = [one, two, three];
    using channel = connect(addressesOf(...servers));
    await reachAll(channel.client, ...servers);
    const sum = (): number => servers.reduce((all, { calls }) => all + calls, 0);
    wait = true;
    for (const server of servers) server.calls = 0;
    const calls = [];
    for (let call = 1; call <= 12; call++) {
      calls.push(channel.client.readFile({ path: '' }).subscribe());
      await until(() => sum() === call);
    }
    expect(servers.map((server) => server.calls)).toEqual([4, 4, 4]);
    for (const server of servers) expect(server.paths).toEqual([batchPath]);
    for (const call of calls) call.unsubscribe();
  });

  it('are shared out when there are many at once', async () => {
    await using one = await startServer('127.0.0.1:0');
    await using two = await startServer('127.0.0.2:0');
    using channel = connect(addressesOf(one, two));
    await reachAll(channel.client, one, two);
    for (const server of [one, two]) server.calls = 0;
    await Promise.all(Array.from({ length: 300 }, () => read(channel.client)));
    expect([one.calls, two.calls]).toEqual([150, 150]);
  });

  it('leave one that is slow to the calls that it has', async () => {
    let wait = true;
    await using slow = await startServer('127.0.0.1:0', { readFile: () => (wait ? NEVER : undefined) });
    await using quick = await startServer('127.0.0.2:0');
    using channel = connect(addressesOf(slow, quick));
    wait = false;
    await reachAll(channel.client, slow, quick);
    wait = true;
    slow.calls = 0;
    const calls = [];
    while (slow.calls === 0) {
      const reached = slow.calls + quick.calls;
      calls.push(channel.client.readFile({ path: '' }).subscribe());
      await until(() => slow.calls + quick.calls > reached);
    }
    for (let call = 0; call < 20; call++) expect(await read(channel.client)).toEqual({ path: quick.address });
    for (const call of calls) call.unsubscribe();
  });

  it('lose nothing when one server drains', async () => {
    await using one = await startServer('127.0.0.1:0');
    await using two = await startServer('127.0.0.2:0');
    using channel = connect(addressesOf(one, two));
    await reachAll(channel.client, one, two);
    let running = true;
    const callers = Array.from({ length: 10 }, () => readUntil(channel.client, () => !running));
    await one.service.close();
    const { calls } = one;
    const before = two.calls;
    await until(() => two.calls > before + 100);
    running = false;
    await Promise.all(callers);
    expect(one.calls).toBe(calls);
  });

  it('go on with the others when one connection breaks, and come back to it', async () => {
    await using one = await startServer('127.0.0.1:0');
    const { sessions } = watchStreams(one.service);
    await using two = await startServer('127.0.0.2:0');
    using channel = connect(addressesOf(one, two));
    await reachAll(channel.client, one, two);
    let running = true;
    const names = new Set<string>();
    const getBooks = async (): Promise<void> => {
      while (running) names.add((await firstValueFrom(channel.client.getBook({ name: '' }))).name);
    };
    const callers = Array.from({ length: 10 }, getBooks); // idempotent
    const opened = one.paths.filter((path) => path === batchPath).length;
    for (const session of sessions) session.destroy();
    await until(() => one.paths.filter((path) => path === batchPath).length > opened);
    names.clear();
    await until(() => names.size === 2);
    running = false;
    await Promise.all(callers);
    expect(names).toEqual(new Set([one.address, two.address]));
  });

  it('do not wait for a server that has not said whether it takes them, while another has', async () => {
    await using able = await startServer('127.0.0.2:0');
    const silence = new Promise<never>(() => undefined);
    await using silent = await startServer('127.0.0.1:0', {
      authorize: ({ method }) => (method.path === batchPath ? silence : { caller: undefined }),
    });
    using channel = connect(addressesOf(able, silent));
    const first: Subscription[] = []; // some may go to the silent one
    await until(() => {
      first.push(channel.client.readFile({ path: '' }).subscribe());
      return able.calls > 0 && silent.paths.includes(batchPath);
    });
    for (const call of first) call.unsubscribe();
    await readUntil(channel.client, () => able.calls > 50);
    expect(silent.calls).toBe(0);
  });

  it('go to those that carry calls while others do not', async () => {
    await using old = await startServer('127.0.0.1:0', { batching: false });
    await using able = await startServer('127.0.0.2:0');
    using channel = connect(addressesOf(old, able));
    await readUntil(channel.client, () => old.paths.includes(batchPath) && able.calls > 0);
    old.calls = 0;
    for (let call = 0; call < 10; call++) expect(await read(channel.client)).toEqual({ path: able.address });
    expect(old.paths.filter((path) => path === batchPath)).toHaveLength(1);
  });
});

describe('a server behind a name', () => {
  afterEach(() => void vi.restoreAllMocks());

  /** Says where a name leads; what asks is grpc-js. */
  function name(servers: () => Server[]) {
    const addresses = () => servers().map(({ address }) => ({ address: address.split(':')[0] ?? '', family: 4 }));
    return vi.spyOn(dns.promises, 'lookup').mockImplementation((() => Promise.resolve(addresses())) as never);
  }

  it('that comes back at another address is found while the others are called', async () => {
    await using one = await startServer('127.0.0.1:0');
    await using two = await startServer(`127.0.0.2:${portOf(one)}`);
    let servers: Server[] = [one, two];
    const lookup = name(() => servers);
    using channel = connect(`dns:///shelf.example:${portOf(one)}`);
    await reachAll(channel.client, one, two);
    servers = [two];
    await one.service.close();
    lookup.mockClear();
    // It is asked again while all is well, for nothing else would tell of a server that is new.
    await readUntil(channel.client, () => lookup.mock.results.length > 2);
    await using back = await startServer(`127.0.0.3:${portOf(one)}`);
    servers = [two, back];
    await reachAll(channel.client, back, two);
    expect(back.paths).toEqual([batchPath]);
  });

  it('that the name leads to no longer gets no more calls, though it still runs', async () => {
    await using one = await startServer('127.0.0.1:0');
    await using two = await startServer(`127.0.0.2:${portOf(one)}`);
    let servers: Server[] = [one, two];
    const lookup = name(() => servers);
    using channel = connect(`dns:///shelf.example:${portOf(one)}`);
    await reachAll(channel.client, one, two);
    servers = [two];
    lookup.mockClear();
    await readUntil(channel.client, () => lookup.mock.results.length > 0);
    await lookup.mock.results[0]?.value;
    await read(channel.client);
    one.calls = 0;
    for (let call = 0; call < 20; call++) expect(await read(channel.client)).toEqual({ path: two.address });
    expect(one.calls).toBe(0);
  });

  const calls: Record<string, (client: Shelf) => Observable<unknown>> = {
    unary: (client) => client.readFile({ path: '' }),
    'of a stream of responses': (client) => client.streamBooks({ count: 0, perMessage: 0, failAfter: 0, after: '' }),
    'with a stream of requests': (client) => client.countBooks(EMPTY),
    'with both': (client) => client.talkBooks(EMPTY),
  };

  it.each(Object.keys(calls))('that is new gets plain calls %s too, and one that is gone no more', async (kind) => {
    await using one = await startServer('127.0.0.1:0');
    await using two = await startServer(`127.0.0.2:${portOf(one)}`);
    let servers: Server[] = [one];
    name(() => servers);
    using channel = connect(`dns:///shelf.example:${portOf(one)}`, false);
    const call = async (): Promise<unknown> => {
      const made = calls[kind]?.(channel.client) ?? EMPTY;
      return firstValueFrom(made, { defaultValue: undefined });
    };
    while (one.calls < 3) await call();
    expect(two.calls).toBe(0);
    servers = [one, two];
    while (two.calls < 3) await call();
    servers = [two];
    for (let before = -1; one.calls > before;) {
      before = one.calls;
      for (let count = 0; count < 20; count += 1) await call();
    }
  });
});

it('their options can be written as JSON, as GRPC_TRACE has grpc-js do', () => {
  expect(JSON.stringify(new Backends().channelOptions)).toContain('"backends"');
});
