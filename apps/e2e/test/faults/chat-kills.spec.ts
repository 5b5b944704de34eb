import { randomUUID } from 'node:crypto';
import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';
import { NoteOrder } from '../note-order.ts';
import { RoomReader, until } from '../room-reader.ts';
import { type App, ask, type Rollcall, startRollcall } from '../rollcall.ts';

/** How often each process is killed, and under how many readers; `npm run test:load` takes 20 kills and 200 readers. */
const kills = Number(process.env['CHAT_KILLS'] ?? 2);
const readerCount = Number(process.env['CHAT_READERS'] ?? 40);

/** How long is between two notes of one of the writers, in milliseconds; and how many writers there are. */
const pauseMs = 80;
const writerCount = 4;

/** Sends notes until it is told to stop, each until it is acknowledged, under one id. */
async function write(
  rollcall: Rollcall,
  room: string,
  isOver: () => boolean,
  acknowledged: Set<string>,
): Promise<void> {
  while (!isOver()) {
    const [noteId, message] = [randomUUID(), randomUUID()];
    const body = JSON.stringify({ message, noteId });
    for (;;) {
      const answer = await ask(rollcall, `/v1/rooms/${room}/notes`, {
        verb: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      }).catch(() => undefined); // nobody is there, or whoever was is gone
      if (answer?.status === 200) break;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    acknowledged.add(message);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

test.each<App>(['gateway', 'chat-service'])(
  `${kills} kills of %s under ${readerCount} readers: nothing is lost, doubled or out of order`,
  { timeout: 600_000 },
  async (app) => {
    await using rollcall = await startRollcall();
    const heard = new Map<string, number>();
    const hear = (message: string): void => void heard.set(message, (heard.get(message) ?? 0) + 1);
    const readers = Array.from({ length: readerCount }, () => new RoomReader(rollcall.socketPath, 'hall', 0, { hear }));
    await until(() => readers.every(({ caughtUp }) => caughtUp));
    const acknowledged = new Set<string>();
    let isOver = false;
    const writers = Array.from({ length: writerCount }, () => write(rollcall, 'hall', () => isOver, acknowledged));
    for (let round = 1; round <= kills; round += 1) {
      const before = acknowledged.size;
      await until(() => acknowledged.size >= before + 20);
      await rollcall.kill(app);
      await rollcall.restart(app);
    }
    const before = acknowledged.size;
    await until(() => acknowledged.size >= before + 20);
    isOver = true;
    await Promise.all(writers);
    // Every note was sent until it was acknowledged, so that there are as many as were.
    await until(() => readers.every(({ order }) => order.last >= acknowledged.size));
    expect(readers.map(({ order }) => [order.last, order.faults])).toEqual(readers.map(() => [acknowledged.size, '']));
    expect([...acknowledged].filter((message) => heard.get(message) !== readerCount)).toEqual([]);
    for (const reader of readers) reader.close();
  },
);

test('a reader that loses one note in 10,000 is noticed', () => {
  const order = new NoteOrder(0);
  const dropped = 1 + Math.floor(Math.random() * 9999); // the last one is not missed yet
  for (let seq = 1; seq <= 10_000; seq += 1) if (seq !== dropped) order.note(seq);
  expect(order.faults).toBe('1 lost, 0 doubled or out of order, 0 gaps');
});

test('a reader over a connection that drops one note in 10,000 is noticed', { timeout: 120_000 }, async () => {
  await using rollcall = await startRollcall();
  const dropped = 1 + Math.floor(Math.random() * 9999);
  const sending = Array.from({ length: 10_000 }, (_, index) => index);
  const next = sending.values();
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      for (const index of next)
        await firstValueFrom(rollcall.tutorialChat.sendNote({ name: 'foo', message: `note ${index}` }));
    }),
  );
  const readers = [true, false].map(
    (drops) => new RoomReader(rollcall.socketPath, 'lobby', 0, { drops: (seq) => drops && seq === dropped }),
  );
  await until(() => readers.every(({ order }) => order.last >= 10_000));
  expect(readers.map(({ order }) => order.faults)).toEqual(['1 lost, 0 doubled or out of order, 0 gaps', '']);
  for (const reader of readers) reader.close();
});
