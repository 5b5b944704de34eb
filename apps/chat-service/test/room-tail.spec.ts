import { expect, test } from 'vitest';
import { logUnavailable } from '../src/chat-errors.ts';
import { RoomTail } from '../src/log/room-tail.ts';
import type { RoomStreams } from '../src/log/room-streams.ts';
import type { StreamReader } from '../src/log/stream-reader.ts';
import type { NatsLink } from '../src/nats/nats-link.ts';

test('does not try again and again to read what was missed while there is no connection', async () => {
  let hear: Parameters<NatsLink['subscribe']>[1] = () => undefined;
  const link: Pick<NatsLink, 'isConnected' | 'subscribe'> = {
    isConnected: false,
    subscribe: (_, listener) => {
      hear = listener;
      return () => undefined;
    },
  };
  const streams: Pick<RoomStreams, 'info' | 'toldSubjectOf'> = {
    info: () => Promise.resolve(undefined),
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
