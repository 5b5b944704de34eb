import { Metadata, Server, ServerCredentials, type ServerDuplexStream, status as Status } from '@grpc/grpc-js';
import { type shelf, testingContract } from '@rollcall/contract/testing';
import * as fc from 'fast-check';
import { firstValueFrom, NEVER, Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchClient } from '../../src/client/batched-request.ts';
import { type CallContext, errorFromStatus, GrpcChannel, type RpcError } from '@rollcall/grpc';
import {
  type BatchResponse,
  decodeBatchResponse,
  encodeBatchRequest,
  encodeBatchResponse,
} from '../../src/wire/frames.ts';
import { batchPath } from '../../src/wire/method.ts';
import { failure, openBatchStream, type RawBatchStream } from '../batch-peers.ts';
import { batched } from '../batched.ts';
import { settled, type Shelf, shelfServiceName, startShelf, until } from '../../../grpc/test/shelf-service.ts';

const readPath = `/${shelfServiceName}/ReadFile`;
const empty = Buffer.alloc(0);
const call = { id: 1, method: readPath, timeoutMs: 60_000, metadata: new Metadata(), request: empty };
const reply = { id: 1, status: 0, message: '', headers: undefined, trailers: undefined, response: empty };
const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 }).map((read) => Buffer.from(read));

/** Frames that were well-formed before some of their bytes were changed. */
const mutated = (frame: Buffer) =>
  fc
    .array(fc.tuple(fc.nat({ max: frame.length - 1 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 })
    .map((changes) => {
      const changed = Buffer.from(frame);
      for (const [at, to] of changes) changed[at] = to;
      return changed;
    });

const frames = (...wellFormed: Buffer[]) =>
  fc.array(fc.oneof(bytes, ...wellFormed.map(mutated)), { minLength: 1, maxLength: 5 });

/** The replies that a stream has brought. */
function repliesOf({ received }: RawBatchStream): BatchResponse['replies'] {
  return received.flatMap((frame) => decodeBatchResponse(frame).replies);
}

describe('a server that takes batched calls', () => {
  it.each([
    ['is cut off', Buffer.from([0x0a, 5])],
    ['has a call without an id', encodeBatchRequest({ calls: [{ ...call, id: 0 }], cancelledIds: [] })],
    ['has an id again', encodeBatchRequest({ calls: [call], cancelledIds: [] })],
  ])('ends a stream with INVALID_ARGUMENT whose message %s, and tears its calls down', async (_, frame) => {
    let running = 0;
    const reasons: unknown[] = [];
    await using service = await startShelf(
      {
        readFile: (_request: never, { signal }: CallContext) => {
          running += 1;
          signal.addEventListener('abort', () => reasons.push((signal.reason as RpcError).code));
          return NEVER;
        },
      },
      batched,
    );
    using batches = openBatchStream(service.target);
    batches.stream.write(encodeBatchRequest({ calls: [call], cancelledIds: [] }));
    await until(() => running === 1);
    batches.stream.write(frame);
    expect((await batches.status).code).toBe(Status.INVALID_ARGUMENT);
    await until(() => reasons.length === 1);
    expect(reasons).toEqual([Status.CANCELLED]);
  });

  it('tells a caller to go elsewhere when it ends, and ends a stream whose caller does not', async () => {
    await using service = await startShelf({ readFile: () => NEVER }, batched);
    using batches = openBatchStream(service.target);
    batches.stream.write(encodeBatchRequest({ calls: [call], cancelledIds: [] }));
    batches.stream.write(encodeBatchRequest({ calls: [{ ...call, id: 2, timeoutMs: 0 }], cancelledIds: [] }));
    await until(() => repliesOf(batches).length === 1);
    await service.close();
    const error = errorFromStatus(await batches.status);
    expect([error.code, error.reason]).toEqual([Status.UNAVAILABLE, 'UPSTREAM_UNAVAILABLE']);
    expect(batches.received.some((frame) => decodeBatchResponse(frame).draining)).toBe(true);
    expect(repliesOf(batches).map(({ id, status }) => [id, status])).toEqual([
      [2, Status.DEADLINE_EXCEEDED],
      [1, Status.UNAVAILABLE],
    ]);
  });

  it('reads no further while its answers are not read, and goes on when they are', async () => {
    let handled = 0;
    await using service = await startShelf({ readFile: () => ((handled += 1), { path: 'x'.repeat(10_000) }) }, batched);
    using batches = openBatchStream(service.target);
    batches.stream.pause();
    const total = 2000;
    for (let id = 1; id <= total; id++)
      batches.stream.write(encodeBatchRequest({ calls: [{ ...call, id }], cancelledIds: [] }));
    expect(await settled(() => handled)).toBeLessThan(total);
    batches.stream.resume();
    await until(() => repliesOf(batches).length === total);
    expect(handled).toBe(total);
  });

  it('ends a stream whose answers nobody reads, and lets its memory go', async () => {
    let torn = 0;
    await using service = await startShelf(
      {
        readFile: () => ({ path: 'x'.repeat(100_000) }),
        getBook: () => new Observable(() => () => (torn += 1)),
      },
      { ...batched, limits: { defaultDeadlineMs: 200, resetGraceMs: 100 } },
    );
    using batches = openBatchStream(service.target);
    batches.stream.pause();
    const waiting = { ...call, method: `/${shelfServiceName}/GetBook` };
    const calls = [waiting, ...Array.from({ length: 50 }, (_, index) => ({ ...call, id: index + 2 }))];
    batches.stream.write(encodeBatchRequest({ calls, cancelledIds: [] }));
    await until(() => torn === 1);
    batches.stream.resume();
    expect([Status.RESOURCE_EXHAUSTED, Status.CANCELLED]).toContain((await batches.status).code);
    expect(repliesOf(batches).length).toBeLessThan(50);
  });

  it('ends a call at its deadline, also while nobody has decided about it', async () => {
    let asked = 0;
    await using service = await startShelf(
      { readFile: () => NEVER },
      {
        ...batched,
        authorize: ({ metadata }) =>
          metadata.get('x-ask').length > 0 ? ((asked += 1), new Promise(() => undefined)) : { caller: undefined },
      },
    );
    using batches = openBatchStream(service.target);
    const asking = new Metadata();
    asking.set('x-ask', '1');
    const calls = [
      { ...call, timeoutMs: 100 },
      { ...call, id: 2, timeoutMs: 100, metadata: asking },
      { ...call, id: 3, timeoutMs: 0 },
    ];
    batches.stream.write(encodeBatchRequest({ calls, cancelledIds: [] }));
    await until(() => repliesOf(batches).length === 3);
    expect(asked).toBe(1);
    expect(repliesOf(batches).map(({ status }) => status)).toEqual(Array(3).fill(Status.DEADLINE_EXCEEDED));
  });

  it('does not start, and does not answer, what was cancelled while it was decided about', async () => {
    const { promise, resolve } = Promise.withResolvers<{ caller: undefined }>();
    const started: string[] = [];
    let asked = 0;
    await using service = await startShelf(
      { readFile: () => (started.push('readFile'), { path: '' }), getBook: () => (started.push('getBook'), {}) },
      {
        ...batched,
        authorize: ({ method }) => (method.path === readPath ? ((asked += 1), promise) : { caller: undefined }),
      },
    );
    using batches = openBatchStream(service.target);
    batches.stream.write(encodeBatchRequest({ calls: [call], cancelledIds: [] }));
    await until(() => asked === 1);
    const second = { ...call, id: 2, method: `/${shelfServiceName}/GetBook` };
    batches.stream.write(encodeBatchRequest({ calls: [second], cancelledIds: [1, 77] }));
    await until(() => repliesOf(batches).length === 1);
    resolve({ caller: undefined });
    batches.stream.end();
    expect((await batches.status).code).toBe(Status.OK);
    expect(started).toEqual(['getBook']);
    expect(repliesOf(batches).map(({ id }) => id)).toEqual([2]);
  });

  it('refuses metadata that is too large, or is none, of the one call', async () => {
    await using service = await startShelf({ readFile: () => ({ path: '' }) }, batched);
    using batches = openBatchStream(service.target);
    const large = new Metadata();
    large.set('x-large', 'x'.repeat(20_000));
    const wrong = new Metadata();
    (wrong as unknown as { internalRepr: Map<string, string[]> }).internalRepr.set('sp ace', ['']);
    const calls = [
      { ...call, metadata: large },
      { ...call, id: 2, metadata: wrong },
      { ...call, id: 3 },
    ];
    batches.stream.write(encodeBatchRequest({ calls, cancelledIds: [] }));
    await until(() => repliesOf(batches).length === 3);
    expect(repliesOf(batches).map(({ status }) => status)).toEqual([
      Status.RESOURCE_EXHAUSTED,
      Status.INVALID_ARGUMENT,
      Status.OK,
    ]);
  });

  it('survives whatever it is sent', { timeout: 60_000 }, async () => {
    await using service = await startShelf({ readFile: () => ({ path: 'x' }) }, batched);
    const request = Buffer.from([0x0a, 1, 0x78]);
    const metadata = new Metadata();
    metadata.set('x-text', 'text');
    metadata.set('x-data-bin', Buffer.from('data'));
    const wellFormed = encodeBatchRequest({ calls: [{ ...call, metadata, request }], cancelledIds: [3] });
    await fc.assert(
      fc.asyncProperty(frames(wellFormed), async (sent) => {
        using batches = openBatchStream(service.target);
        for (const frame of sent) batches.stream.write(frame);
        batches.stream.end();
        const { code } = await batches.status;
        expect([Status.OK, Status.INVALID_ARGUMENT]).toContain(code);
        expect(await firstValueFrom(service.client.readFile({ path: '' }))).toEqual({ path: 'x' });
      }),
      { numRuns: 150 },
    );
  });
});

interface Liar extends Disposable {
  readonly target: string;
  /** How many streams it has had, and how many of them their caller has half-closed. */
  readonly streams: { opened: number; halfClosed: number };
}

/** A server that answers each message of a stream with what a test makes up, and knows no other method. */
async function startLiar(answers: () => Buffer[]): Promise<Liar> {
  const server = new Server();
  const streams = { opened: 0, halfClosed: 0 };
  const identity = (read: Buffer): Buffer => read;
  const handler = (stream: ServerDuplexStream<Buffer, Buffer>): void => {
    streams.opened += 1;
    stream.on('data', () => {
      for (const answer of answers()) stream.write(answer);
    });
    stream.on('end', () => {
      streams.halfClosed += 1;
      stream.end();
    });
  };
  server.register(batchPath, handler, identity, identity, 'bidi');
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { target: `127.0.0.1:${port}`, streams, [Symbol.dispose]: () => server.forceShutdown() };
}

describe('a caller whose server wants new calls to go elsewhere', () => {
  it('takes the answers that come with it, ends the stream, and opens another', async () => {
    const draining = encodeBatchResponse({ replies: [reply], draining: true });
    const file = encodeBatchResponse({ replies: [reply], draining: false });
    const answers = [draining, file, file];
    using elsewhere = await startLiar(() => answers.splice(0, 1));
    const channel = new GrpcChannel(elsewhere.target, { defaultDeadlineMs: 60_000, unaryCalls: batchClient() });
    const client = channel.client<Shelf>(testingContract, shelfServiceName);
    await firstValueFrom(client.readFile({ path: '' }));
    await until(() => elsewhere.streams.halfClosed === 1);
    await firstValueFrom(client.readFile({ path: '' }));
    expect(elsewhere.streams.opened).toBe(2);
    channel.close();
  });
});

describe('a caller whose server cannot be understood', () => {
  it.each([
    ['is cut off', Buffer.from([0x0a, 5])],
    ['answers what was not asked', encodeBatchResponse({ replies: [{ ...reply, id: 9 }], draining: false })],
    [
      'has a status that there is none of',
      encodeBatchResponse({ replies: [{ ...reply, status: 17 }], draining: false }),
    ],
  ])('gives its calls up when an answer %s, and makes the next plainly', async (_, answer) => {
    using liar = await startLiar(() => [answer]);
    const channel = new GrpcChannel(liar.target, { defaultDeadlineMs: 60_000, unaryCalls: batchClient() });
    const client = channel.client<Shelf>(testingContract, shelfServiceName);
    expect((await failure(client.readFile({ path: '' }))).code).toBe(Status.UNAVAILABLE);
    expect((await failure(client.readFile({ path: '' }))).code).toBe(Status.UNIMPLEMENTED);
    channel.close();
  });

  it('never hangs, and takes at most one answer', { timeout: 60_000 }, async () => {
    let answers: Buffer[] = [];
    using liar = await startLiar(() => answers);
    const trailers = new Metadata();
    trailers.set('x-data-bin', Buffer.from('data'));
    const wellFormed = encodeBatchResponse({
      replies: [
        { ...reply, trailers },
        { ...reply, id: 2 },
      ],
      draining: false,
    });
    await fc.assert(
      fc.asyncProperty(frames(wellFormed), async (sent) => {
        answers = sent;
        const channel = new GrpcChannel(liar.target, { unaryCalls: batchClient() });
        const client = channel.client<Shelf>(testingContract, shelfServiceName);
        let taken = 0;
        const take = (path: string): Promise<void> =>
          new Promise((resolve) => {
            const ends = { next: () => (taken += 1), error: () => resolve(), complete: () => resolve() };
            client.readFile({ path } satisfies shelf.ReadFileRequest, { deadline: Date.now() + 100 }).subscribe(ends);
          });
        await Promise.all([take('a'), take('b')]);
        expect(taken).toBeLessThanOrEqual(2);
        channel.close();
      }),
      { numRuns: 60 },
    );
  });
});
