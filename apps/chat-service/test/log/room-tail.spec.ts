import type { chat } from '@rollcall/proto';
import { expect, test, vi } from 'vitest';
import { logUnavailable } from '../../src/errors/chat-errors.ts';
import { RoomTail } from '../../src/log/room-tail.ts';
import type { RoomStreams } from '../../src/log/room-streams.ts';
import type { StreamReader } from '../../src/log/stream-reader.ts';
import type { NatsLink } from '../../src/nats/nats-link.ts';

test('does not try again and again to read what was missed while there is no connection', async () => {
  let hear: Parameters<NatsLink['subscribe']>[1] = () => undefined;
  const link: Pick<NatsLink, 'isConnected' | 'subscribe'> = {
    isConnected: false,
    subscribe: (_, listener) => {
      hear = listener;
      return () => undefined;
    },
  };
  const streams: Pick<RoomStreams, 'bounds' | 'toldSubjectOf'> = {
    bounds: () => Promise.resolve({ first: 1, last: 0 }),
    toldSubjectOf: (room) => room,
  };
  let reads = 0;
  const reader: Pick<StreamReader, 'read' | 'decode'> = {
    read: () => {
      reads += 1;
      // Tries that follow each other at once would let nothing else run, this test included.
      return reads < 100 ? Promise.reject(logUnavailable('not connected')) : new Promise(() => undefined);
    },
    decode: () => undefined,
  };
  const tail = new RoomTail('hall', link as NatsLink, streams as RoomStreams, reader as StreamReader, 1000);
  await tail.start();
  const headers = { get: () => '5' };
  hear({ headers, data: new Uint8Array() } as never); // 1 to 4 are missing
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(reads).toBe(1);
  await tail.look(); // as when there is a connection again
  expect(reads).toBe(2);
  tail.close();
});

/** A tail of a room whose stream, and whose reader, a test makes up. */
async function startTail(lastSeq: number, believeLossMs: number) {
  let deletedSeq = 0;
  let hear: Parameters<NatsLink['subscribe']>[1] = () => undefined;
  let last = lastSeq;
  const note = (seq: number) => ({ seq: String(seq) }) as chat.Note;
  const link = {
    isConnected: true,
    subscribe: (_subject: string, listener: typeof hear) => {
      hear = listener;
      return () => undefined;
    },
  };
  const streams = {
    toldSubjectOf: () => 'told',
    bounds: () => Promise.resolve({ first: deletedSeq + 1, last }),
    deletedSeq: () => Promise.resolve(deletedSeq),
  };
  const reader = {
    decode: (_data: Uint8Array, _room: string, seq: number) => note(seq),
    read: (_room: string, afterSeq: number) => {
      const after = Math.max(afterSeq, deletedSeq);
      const seqs = Array.from({ length: Math.max(0, last - after) }, (_, index) => after + 1 + index);
      return Promise.resolve({
        notes: seqs.map(note),
        upTo: Math.min(after, last) + seqs.length,
        first: deletedSeq + 1,
        last,
      });
    },
  };
  const tail = new RoomTail('lobby', link as never, streams as never, reader as never, believeLossMs);
  await tail.start();
  const told: number[] = [];
  tail.join(
    (notes) => told.push(...notes.map(({ seq }) => Number(seq))),
    (seq) => told.push(-seq),
  );
  return {
    tail,
    /** The numbers of notes, and of deletions below zero. */
    told,
    /** The room was deleted, and made anew, and nobody told us. */
    makeAnew: (deleted: number) => void (deletedSeq = deleted),
    /** Somebody answers that the stream ends there. */
    lookAt: async (seq: number) => {
      last = seq;
      await tail.look();
    },
    /** Tells of a note, as the leader of the stream does. */
    tell: async (seq: number) => {
      hear({ headers: { get: () => String(seq) }, data: new Uint8Array() } as never);
      await Promise.resolve();
    },
  };
}

test('a stream that stays shorter has lost notes, and what follows is told', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const { tail, told, lookAt } = await startTail(10, 1000);
  await lookAt(5);
  vi.advanceTimersByTime(1000);
  await lookAt(5);
  await lookAt(6);
  expect(told).toEqual([6]);
  tail.close();
  vi.useRealTimers();
});

test('a server that has lost the lead is not believed the second time either, when the stream went on in between', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const { tail, told, lookAt, tell } = await startTail(10, 1000);
  await lookAt(5);
  await tell(11);
  vi.advanceTimersByTime(60_000);
  await lookAt(5);
  await tell(12);
  await lookAt(13);
  expect(told).toEqual([11, 12, 13]);
  tail.close();
  vi.useRealTimers();
});

test.each([
  ['is not there since', 11, [-11]],
  ['has notes again', 13, [-11, 12, 13]],
])('a deletion that was not heard shows when the room is looked at, which %s', async (_, last, expected) => {
  const { tail, told, lookAt, makeAnew } = await startTail(10, 1000);
  makeAnew(11);
  await lookAt(last);
  expect(told).toEqual(expected);
  tail.close();
});
