import type { ServerHttp2Stream } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { queryObjects } from 'node:v8';
import { status as Status } from '@grpc/grpc-js';
import resolvingCalls from '@grpc/grpc-js/build/src/resolving-call.js';
import subchannelCalls from '@grpc/grpc-js/build/src/subchannel-call.js';
import { type Observable, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { reportBackpressure } from '../../src/backpressure/backpressure.ts';
import { type RpcError } from '../../src/status/rpc-error.ts';
import { unordered } from '../../src/internals/status-order.ts';
import { frame, messages, scripted, send, trailers } from '../scripted-server.ts';

const method = (requestStream: boolean, responseStream: boolean) => ({
  path: '/test.Service/Method',
  requestStream,
  responseStream,
  encode: (text: string): Buffer => Buffer.from(text),
  decode: (bytes: Buffer): string => bytes.toString().trim(),
});

/** Reads as a sink that is full for a moment after each value. @returns what came, and how it ended */
function readSlowly(source: Observable<string>, pauseMs: () => number = () => 2) {
  const got: string[] = [];
  return new Promise<{ got: string[]; end: string }>((resolve) => {
    source.subscribe({
      next: (value) => {
        got.push(value);
        reportBackpressure(sleep(pauseMs()));
      },
      error: (error: RpcError) => resolve({ got, end: Status[error.code] ?? `code ${error.code}` }),
      complete: () => resolve({ got, end: 'OK' }),
    });
  });
}

const all = Array.from({ length: 20 }, (_, at) => String(at));

/** What ends a stream whose messages have all arrived. */
const endings: [name: string, end: string, act: (stream: ServerHttp2Stream) => void][] = [
  ['a status of the handler', 'NOT_FOUND', (stream) => trailers(stream, Status.NOT_FOUND)],
  ['a good status', 'OK', (stream) => trailers(stream, Status.OK)],
  [
    'a good status, and a connection that breaks then',
    'OK',
    (stream) => {
      const { session } = stream;
      trailers(stream, Status.OK);
      stream.on('close', () => setTimeout(() => session?.destroy(), 10)); // once it is with the system
    },
  ],
  [
    'an error status, and a connection that breaks then',
    'UNAVAILABLE',
    (stream) => {
      const { session } = stream;
      trailers(stream, Status.UNAVAILABLE);
      stream.on('close', () => setTimeout(() => session?.destroy(), 10)); // once it is with the system
    },
  ],
  ['a reset', 'CANCELLED', (stream) => stream.close(8)],
  ['a reset for a reader that is too slow', 'RESOURCE_EXHAUSTED', (stream) => stream.close(11)],
  ['an internal reset', 'INTERNAL', (stream) => stream.close(2)],
  ['a connection that breaks', 'UNAVAILABLE', (stream) => stream.session?.destroy()],
  ['a connection that is cut by its socket', 'UNAVAILABLE', (stream) => stream.session?.socket.destroy()],
  ['the deadline', 'DEADLINE_EXCEEDED', () => undefined],
];

describe('a reader that pauses', () => {
  for (const size of [10, 3000]) {
    for (const [kind, requestStream] of [
      ['server stream', false],
      ['half-duplex stream', true],
    ] as const) {
      it.each(endings)(`is given all ${size}-byte messages of a ${kind} that came before %s`, async (_, end, act) => {
        await using service = await scripted((stream) => {
          void send(stream, messages(20, size))
            .then(() => sleep(10))
            .then(() => act(stream));
        });
        const slow = end === 'DEADLINE_EXCEEDED';
        const call = service.channel.call(method(requestStream, true), requestStream ? of('a') : 'a', {
          ...(slow && { deadline: Date.now() + 1000 }),
        });
        expect(await readSlowly(call, () => (slow ? 60 : 2))).toEqual({ got: all, end });
      });
    }
  }

  it('needs this file as long as grpc-js, left to itself, skips messages', async () => {
    const { Http2SubchannelCall } = subchannelCalls;
    const resolving = resolvingCalls.ResolvingCall.prototype;
    const ordered = Object.getOwnPropertyDescriptor(resolving, 'cancelWithStatus');
    Object.assign(subchannelCalls, { Http2SubchannelCall: unordered.subchannelCall });
    Object.assign(resolving, { cancelWithStatus: unordered.cancelWithStatus });
    try {
      await using service = await scripted((stream) => {
        void send(stream, messages(100, 10)).then(() => trailers(stream, Status.NOT_FOUND));
      });
      const { got, end } = await readSlowly(service.channel.call(method(false, true), 'a'));
      expect(end).toBe('NOT_FOUND');
      expect(got.length).toBeLessThan(100);
    } finally {
      Object.assign(subchannelCalls, { Http2SubchannelCall });
      Object.defineProperty(resolving, 'cancelWithStatus', ordered ?? {});
    }
  });

  it('is given the messages before one that is too large', async () => {
    await using service = await scripted(
      (stream) => {
        void send(stream, Buffer.concat([messages(20, 10), frame(Buffer.alloc(10_001))]));
      },
      { channelOptions: { 'grpc.max_receive_message_length': 10_000 } },
    );
    expect(await readSlowly(service.channel.call(method(false, true), 'a'))).toEqual({
      got: all,
      end: 'RESOURCE_EXHAUSTED',
    });
  });
});

describe('a reader that goes away', () => {
  const calls = (): number => queryObjects(subchannelCalls.Http2SubchannelCall, { format: 'count' });

  it.each([
    ['while the stream is open', () => undefined],
    ['after its status came', (stream: ServerHttp2Stream) => trailers(stream, Status.NOT_FOUND)],
    ['after it was reset', (stream: ServerHttp2Stream) => stream.close(2)],
  ])('leaves nothing behind of what it had not read: %s', async (_, act) => {
    await using service = await scripted((stream) => {
      void send(stream, messages(50, 1000))
        .then(() => sleep(10))
        .then(() => act(stream));
    });
    const before = calls();
    for (let turn = 0; turn < 10; turn++) {
      const first = Promise.withResolvers<void>();
      const subscription = service.channel.call(method(false, true), 'a').subscribe({
        next: () => {
          first.resolve();
          reportBackpressure(new Promise(() => undefined));
        },
        error: () => undefined,
      });
      await first.promise;
      await sleep(50);
      subscription.unsubscribe();
    }
    await sleep(50);
    expect(calls() - before).toBeLessThan(5); // a frame of the stack may still point at one
  });
});

describe('an answer that is not as the method says', () => {
  it.each([
    ['in its bytes', 2],
    ['in its length', 9],
  ])('fails a stream whose last message is cut %s', async (_, missing) => {
    await using service = await scripted((stream) => {
      const bytes = messages(3, 5);
      void send(stream, bytes.subarray(0, bytes.length - missing)).then(() => trailers(stream, Status.OK));
    });
    expect(await readSlowly(service.channel.call(method(false, true), 'a'))).toEqual({
      got: ['0', '1'],
      end: 'INTERNAL',
    });
  });

  it.each([
    ['unary', false, [2, 10] as const],
    ['unary, of large messages', false, [2, 60_000] as const],
    ['client-streaming', true, [2, 10] as const],
    ['client-streaming, of large messages', true, [2, 60_000] as const],
  ])('fails a call at once that is answered twice: %s', async (_, requestStream, [count, size]) => {
    await using service = await scripted((stream) => {
      void send(stream, messages(count, size)).then(() => trailers(stream, Status.OK));
    });
    const call = service.channel.call(method(requestStream, false), requestStream ? of('a') : 'a');
    expect(await readSlowly(call)).toEqual({ got: [], end: 'UNIMPLEMENTED' });
  });

  it.each([
    ['none of the codes', '17', 'UNKNOWN'],
    ['no number', 'soon', 'UNKNOWN'],
  ])('gives UNKNOWN for a status that is %s', async (_, code, end) => {
    await using service = await scripted((stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': code }, { endStream: true });
    });
    expect(await readSlowly(service.channel.call(method(false, false), 'a'))).toEqual({ got: [], end });
  });

  it('gives INTERNAL for a message that is compressed in a way that was not told', async () => {
    await using service = await scripted((stream) => {
      const compressed = frame(Buffer.from('a'));
      compressed[0] = 1;
      void send(stream, compressed).then(() => trailers(stream, Status.OK));
    });
    for (const responseStream of [false, true])
      expect((await readSlowly(service.channel.call(method(false, responseStream), 'a'))).end).toBe('INTERNAL');
  });
});

describe('a deadline', () => {
  it('is DEADLINE_EXCEEDED also when the server resets the call for it first', async () => {
    const deadline = Date.now() + 200;
    await using service = await scripted((stream) => {
      const left = setInterval(() => {
        if (Date.now() < deadline - 1) return;
        clearInterval(left);
        stream.close(8);
      }, 1);
    });
    for (const responseStream of [false, true]) {
      const { end } = await readSlowly(service.channel.call(method(false, responseStream), 'a', { deadline }));
      expect(end).toBe('DEADLINE_EXCEEDED');
    }
  });
});
