import { randomUUID } from 'node:crypto';
import { startNats } from '@rollcall/test-servers';
import { expect, test } from 'vitest';
import { RoomReader, until } from '../room-reader.ts';
import { ask, startRollcall } from '../rollcall.ts';

/** How long NATS is away, and until when readers have everything once it is back, in milliseconds. */
const outageMs = Number(process.env['OUTAGE_MS'] ?? 2000);
const completeMs = 5000;

const readerCount = 100;
const pauseMs = 20;

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

test(
  `NATS killed for ${outageMs / 1000} s under ${readerCount} readers: senders are told, nothing acknowledged is lost, readers are complete within 5 s`,
  { timeout: 120_000 + outageMs },
  async () => {
    await using nats = await startNats();
    await using rollcall = await startRollcall({ NATS_URL: nats.url, LOG_LEVEL: 'fatal' });
    const heard = new Map<string, number>();
    const hear = (message: string): void => void heard.set(message, (heard.get(message) ?? 0) + 1);
    const readers = Array.from({ length: readerCount }, () => new RoomReader(rollcall.socketPath, 'hall', 0, { hear }));
    await until(() => readers.every(({ caughtUp }) => caughtUp));
    const acknowledged: string[] = [];
    const refusals: string[] = [];
    let isOver = false;
    const write = async (): Promise<void> => {
      while (!isOver) {
        const message = randomUUID();
        const body = JSON.stringify({ message, noteId: message });
        const headers = { 'content-type': 'application/json' };
        for (;;) {
          const answer = await ask(rollcall, '/v1/rooms/hall/notes', { verb: 'POST', headers, body });
          if (answer.status === 200) break;
          refusals.push(`${answer.status} ${(JSON.parse(answer.text) as { reason: string }).reason}`);
          await after(pauseMs);
        }
        acknowledged.push(message);
        await after(pauseMs);
      }
    };
    const writers = [write(), write()];
    await until(() => acknowledged.length >= 50);
    await nats.kill();
    await after(outageMs);
    const before = acknowledged.length;
    await nats.start();
    const backAt = performance.now();
    await until(() => acknowledged.length >= before + 10);
    isOver = true;
    await Promise.all(writers);
    await until(() => readers.every(({ order }) => order.last >= acknowledged.length));
    const tookMs = performance.now() - backAt;
    console.log(`readers were complete ${Math.round(tookMs)} ms after NATS was back`);
    expect(tookMs).toBeLessThan(completeMs);
    expect(new Set(refusals)).toEqual(new Set(['503 LOG_UNAVAILABLE']));
    expect(readers.map(({ order }) => [order.last, order.faults])).toEqual(
      readers.map(() => [acknowledged.length, '']),
    );
    expect(acknowledged.filter((message) => heard.get(message) !== readerCount)).toEqual([]);
    for (const reader of readers) reader.close();
  },
);
