import { Metadata, status as Status } from '@grpc/grpc-js';
import { NEVER } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchServer } from '../../src/server/batch-servers.ts';
import { type Authorize, errorFromStatus, RpcError } from '@rollcall/grpc';
import { type CallEntry, type BatchResponse, decodeBatchResponse, encodeBatchRequest } from '../../src/wire/frames.ts';
import { batchPath } from '../../src/wire/method.ts';
import { openBatchStream, type RawBatchStream } from '../batch-peers.ts';
import { batched } from '../batched.ts';
import { shelfServiceName, startShelf, until } from '../../../grpc/test/shelf-service.ts';

const readPath = `/${shelfServiceName}/ReadFile`;
const empty = Buffer.alloc(0);
const read = { method: readPath, timeoutMs: 60_000, metadata: new Metadata(), request: empty };

/** Calls with ids from 1 on, or another. */
function calls(count: number, from = 1, call: Omit<CallEntry, 'id'> = read): CallEntry[] {
  return Array.from({ length: count }, (_, index) => ({ ...call, id: from + index }));
}

function frame(entries: readonly CallEntry[], cancelledIds: readonly number[] = []): Buffer {
  return encodeBatchRequest({ calls: entries, cancelledIds });
}

function repliesOf({ received }: RawBatchStream): BatchResponse['replies'] {
  return received.flatMap((each) => decodeBatchResponse(each).replies);
}

function wrongMetadata(): Metadata {
  const metadata = new Metadata();
  (metadata as unknown as { internalRepr: Map<string, string[]> }).internalRepr.set('', ['']);
  return metadata;
}

/** Lets streams in, and of their calls those alone that have a credential. */
const byCredential: Authorize = ({ method, metadata }) => {
  if (method.path === batchPath || metadata.get('authorization').length > 0) return { caller: undefined };
  throw new RpcError(Status.UNAUTHENTICATED, 'SIGN_IN_REQUIRED', 'Sign in first.');
};

describe('a stream of batched calls', () => {
  it('has messages of 1 MiB at the most', async () => {
    await using service = await startShelf({}, batched);
    using batches = openBatchStream(service.target);
    batches.stream.write(Buffer.alloc(1024 * 1024 + 1));
    expect((await batches.status).code).toBe(Status.RESOURCE_EXHAUSTED);
  });

  it.each([
    ['has more calls than a stream may', frame(calls(9000, 1, { ...read, method: '', metadata: wrongMetadata() }))],
    ['cancels more calls than there can be', frame([], Array(300_000).fill(7))],
    ['has more fields that nobody knows than it may have calls', Buffer.alloc(1024 * 1024, Buffer.from([0x78, 1]))],
  ])('ends at a message that %s, and nothing of it is answered', async (_, sent) => {
    await using service = await startShelf({}, batched);
    using batches = openBatchStream(service.target);
    batches.stream.write(sent);
    expect((await batches.status).code).toBe(Status.INVALID_ARGUMENT);
    expect(batches.received).toEqual([]);
  });

  it('ends after a few calls whose metadata is none', async () => {
    await using service = await startShelf({ readFile: () => ({ path: '' }) }, batched);
    using batches = openBatchStream(service.target);
    batches.stream.write(frame(calls(1000, 1, { ...read, metadata: wrongMetadata() })));
    expect((await batches.status).code).toBe(Status.INVALID_ARGUMENT);
    expect(repliesOf(batches).map(({ status }) => status)).toEqual(Array(8).fill(Status.INVALID_ARGUMENT));
  });

  it.each([
    ['are refused', read],
    ['nobody knows', { ...read, method: '/a/b' }],
    ['have no time left', { ...read, timeoutMs: 0 }],
    ['anybody may make', { ...read, method: '/grpc.health.v1.Health/Check' }],
  ])('is to be left for another after 500 calls that %s, and ends after 1,000', async (_, call) => {
    await using service = await startShelf(
      {},
      {
        ...batched,
        authorize: (incoming) =>
          incoming.method.service === 'grpc.health.v1.Health' ? { caller: undefined } : byCredential(incoming),
      },
    );
    using batches = openBatchStream(service.target);
    const sent = frame(calls(3000, 1, call));
    batches.stream.write(sent);
    const error = errorFromStatus(await batches.status);
    expect([error.code, error.reason]).toEqual([Status.RESOURCE_EXHAUSTED, 'RATE_LIMITED']);
    expect(repliesOf(batches).length).toBeLessThanOrEqual(1000);
    expect(batches.received.some((each) => decodeBatchResponse(each).draining)).toBe(true);
  });

  it('goes on as long as some of its calls have a right', async () => {
    await using service = await startShelf({ readFile: () => ({ path: '' }) }, { ...batched, authorize: byCredential });
    using batches = openBatchStream(service.target);
    const credential = new Metadata();
    credential.set('authorization', 'Bearer x');
    const mixed = calls(3000).map((call) => (call.id % 400 === 0 ? { ...call, metadata: credential } : call));
    batches.stream.write(frame(mixed));
    batches.stream.end();
    expect((await batches.status).code).toBe(Status.OK);
    expect(repliesOf(batches)).toHaveLength(3000);
    expect(batches.received.some((each) => decodeBatchResponse(each).draining)).toBe(false);
  });

  it('takes no more than 16 calls in a turn, however soon they are refused, and fewer when all of them are', async () => {
    await using service = await startShelf({}, { ...batched, authorize: byCredential });
    using batches = openBatchStream(service.target);
    batches.stream.write(frame(calls(400)));
    batches.stream.end();
    await batches.status;
    const counts = batches.received.map((each) => decodeBatchResponse(each).replies.length);
    expect(counts.reduce((sum, count) => sum + count)).toBe(400);
    expect(Math.max(...counts)).toBeLessThanOrEqual(16);
    expect(Math.max(...counts.slice(-10))).toBeLessThanOrEqual(2);
  });

  it('counts the metadata of its calls toward the bytes that it may have under way', async () => {
    await using service = await startShelf({ readFile: () => NEVER }, { plugins: [batchServer({ maxBytes: 2500 })] });
    using batches = openBatchStream(service.target);
    const metadata = new Metadata();
    metadata.set('x-large', 'x'.repeat(1000));
    batches.stream.write(frame(calls(3, 1, { ...read, metadata })));
    await until(() => repliesOf(batches).length === 1);
    expect(repliesOf(batches)).toMatchObject([{ id: 3, status: Status.RESOURCE_EXHAUSTED }]);
  });

  it('does not start a call that is cancelled while others are started before it', async () => {
    const started: string[] = [];
    await using service = await startShelf(
      { readFile: ({ path }: { readonly path: string }) => (started.push(path), { path }) },
      batched,
    );
    using batches = openBatchStream(service.target);
    const all = calls(2000).map((call) => ({
      ...call,
      request: Buffer.from([0x0a, 4, ...Buffer.from(String(call.id).padStart(4, '0'))]),
    }));
    batches.stream.write(frame(all));
    batches.stream.write(frame([], [2000]));
    batches.stream.end();
    expect((await batches.status).code).toBe(Status.OK);
    expect(repliesOf(batches)).toHaveLength(1999);
    expect(started.at(-1)).toBe('1999');
  });
});
