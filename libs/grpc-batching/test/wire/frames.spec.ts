import { Metadata } from '@grpc/grpc-js';
import { codecsOf, readContract } from '@rollcall/contract';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedFrame } from '../../src/wire/frame-bytes.ts';
import {
  type CallEntry,
  type BatchRequest,
  type BatchResponse,
  decodeBatchRequest,
  decodeBatchResponse,
  encodeBatchRequest,
  encodeBatchResponse,
} from '../../src/wire/frames.ts';
import { image } from '../../src/gen/batching.ts';
import { entriesOf } from '@rollcall/grpc';

const found = codecsOf(readContract(Buffer.from(image, 'base64'))).get('/rollcall.transport.v1.BatchService/Batch');
if (found === undefined) throw new Error('the contract has no Batch');
const anyMessage = found;

const uint32 = fc.integer({ min: 1, max: 0xffff_ffff });
const bytes = fc.uint8Array({ maxLength: 300 }).map((read) => Buffer.from(read));
const text = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) });
const key = fc.stringMatching(/^[a-z][a-z0-9_.-]{0,9}$/).filter((name) => !name.endsWith('-bin'));
const metadata = fc
  .array(
    fc.oneof(
      fc.tuple(key, text),
      fc.tuple(
        key.map((name) => `${name}-bin`),
        bytes,
      ),
    ),
  )
  .map((all) => {
    const made = new Metadata();
    for (const [name, value] of all) made.add(name, value);
    return made;
  });
const calls: fc.Arbitrary<BatchRequest> = fc.record({
  calls: fc.array(fc.record({ id: uint32, method: text, timeoutMs: uint32, metadata, request: bytes })),
  cancelledIds: fc.array(uint32),
});
const replies: fc.Arbitrary<BatchResponse> = fc.record({
  replies: fc.array(
    fc.record({
      id: uint32,
      status: fc.integer({ min: 0, max: 16 }),
      message: fc.string({ unit: 'grapheme' }).map((message) => message.toWellFormed()),
      headers: metadata.map(orUndefined),
      trailers: metadata.map(orUndefined),
      response: bytes,
    }),
  ),
  draining: fc.boolean(),
});

function orUndefined(made: Metadata): Metadata | undefined {
  return entriesOf(made).size === 0 ? undefined : made;
}

/** Metadata in the shape of the generated types. */
function plain(made: Metadata | undefined) {
  return [...(made === undefined ? [] : entriesOf(made))].flatMap(([name, values]) =>
    values.map((value) => ({ key: name, ...(typeof value === 'string' ? { text: value } : { binary: value }) })),
  );
}

/** A request in the shape of the generated types. */
function plainRequest(request: BatchRequest) {
  return {
    calls: request.calls.map(({ timeoutMs, ...call }) => ({
      ...call,
      timeoutMillis: timeoutMs,
      metadata: plain(call.metadata),
    })),
    cancelledIds: [...request.cancelledIds],
  };
}

function plainResponse({ replies: all, draining }: BatchResponse) {
  return {
    replies: all.map((reply) => ({ ...reply, headers: plain(reply.headers), trailers: plain(reply.trailers) })),
    draining,
  };
}

/** Reads a message with all of its calls. */
function readAll(message: Buffer): BatchRequest {
  const received = decodeBatchRequest(message);
  const read: CallEntry[] = [];
  while (received.calls.left > 0) read.push(received.calls.read());
  return { calls: read, cancelledIds: received.cancelledIds };
}

describe('a message of batched calls', () => {
  it('is written as a codec that knows any message reads it', () => {
    fc.assert(
      fc.property(calls, (request) => {
        expect(anyMessage.decodeRequest(encodeBatchRequest(request))).toMatchObject(plainRequest(request));
      }),
    );
    fc.assert(
      fc.property(replies, (response) => {
        expect(anyMessage.decodeResponse(encodeBatchResponse(response))).toMatchObject(plainResponse(response));
      }),
    );
  });

  it('is read as such a codec writes it', () => {
    fc.assert(
      fc.property(calls, (request) => {
        expect(readAll(anyMessage.encodeRequest(plainRequest(request)))).toEqual(request);
      }),
    );
    fc.assert(
      fc.property(replies, (response) => {
        expect(decodeBatchResponse(anyMessage.encodeResponse(plainResponse(response)))).toEqual(response);
      }),
    );
  });

  it('is read or malformed, whatever it is', () => {
    const read = (decode: (bytes: Buffer) => unknown, message: Buffer): boolean => {
      try {
        decode(message);
        return true;
      } catch (error) {
        return error instanceof MalformedFrame;
      }
    };
    const changed = fc
      .tuple(calls, replies, fc.nat(), fc.nat({ max: 255 }), fc.nat())
      .map(([request, response, at, to, end]) =>
        [encodeBatchRequest(request), encodeBatchResponse(response)].map((message) => {
          message[at % (message.length + 1)] = to;
          return message.subarray(0, end % 3 === 0 ? at % (message.length + 1) : undefined);
        }),
      );
    fc.assert(
      fc.property(
        fc.oneof(
          changed,
          bytes.map((message) => [message]),
        ),
        (messages) => {
          expect(
            messages.flatMap((message) => [read(readAll, message), read(decodeBatchResponse, message)]),
          ).not.toContain(false);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('may have fields that nobody knows, and is malformed when it is cut', () => {
    const unknown = Buffer.from([
      0x98, 0x06, 0x01, 0xa2, 0x06, 0x01, 0x00, 0xad, 0x06, 1, 2, 3, 4, 0xa9, 0x06, 1, 2, 3, 4, 5, 6, 7, 8,
    ]);
    expect(readAll(unknown)).toEqual({ calls: [], cancelledIds: [] });
    for (const wrong of [[0x0a], [0x0a, 5], [0x0a, 0], [0x10, 0x80], [0x00, 1], [0x13], Array<number>(11).fill(0xff)])
      expect(() => readAll(Buffer.from(wrong))).toThrow(MalformedFrame);
  });

  it('has calls whose metadata is none, which are wrong alone', () => {
    const sent = { id: 1, method: '/a/B', timeoutMillis: 1, request: Buffer.alloc(0) };
    for (const wrong of [
      { key: 'sp ace', text: '' },
      { key: 'k', text: 'ü' },
      { key: 'k', binary: Buffer.from('b') },
      { key: 'k-bin', text: 't' },
    ])
      expect(readAll(anyMessage.encodeRequest({ calls: [{ ...sent, metadata: [wrong] }] })).calls[0]).toMatchObject({
        id: 1,
        metadata: undefined,
      });
  });

  it('are not kept whole by one of their calls, unless they are small', () => {
    const entry = { id: 1, method: '/a/B', timeoutMs: 1, metadata: new Metadata(), request: Buffer.alloc(10) };
    const many = Array.from({ length: 1000 }, (_, index) => ({ ...entry, id: index + 1 }));
    const encoded = encodeBatchRequest({ calls: many, cancelledIds: [] });
    const frame = Buffer.alloc(encoded.length, encoded); // with memory of its own
    expect(frame.length).toBeGreaterThan(10_000);
    expect(decodeBatchRequest(frame).calls.read().request.buffer).not.toBe(frame.buffer);
  });
});
