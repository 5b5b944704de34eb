import { Writable } from 'node:stream';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { emit } from '../../src/backpressure/backpressure.ts';
import { WriteBuffer, WriteBufferBudget } from '../../src/backpressure/write-buffer.ts';

const kilobyte = Buffer.alloc(1024);

/** A stream whose reader has stopped: it takes one message, and keeps the others. */
const stopped = (): Writable => new Writable({ objectMode: true, write: () => undefined });

/** Sends until there is pressure. @returns how many messages went */
function fill(writeBuffer: WriteBuffer, message = kilobyte): number {
  for (let sent = 1; ; sent++)
    if (emit({ next: () => void writeBuffer.send(message) }, undefined) !== undefined) return sent;
}

describe('a write buffer', () => {
  it('is full at 32 messages, or at 64 KiB', () => {
    expect(fill(new WriteBuffer(stopped(), 1e6, new WriteBufferBudget()))).toBe(32);
    expect(fill(new WriteBuffer(stopped(), 1e6, new WriteBufferBudget()), Buffer.alloc(16 * 1024))).toBe(4);
  });

  it('is full with 8 KiB when all of its budget hold 1 MiB, and with 64 KiB again when they have gone', async () => {
    const budget = new WriteBufferBudget();
    const streams = Array.from({ length: 32 }, stopped);
    for (const stream of streams) fill(new WriteBuffer(stream, 1e6, budget));
    expect(budget.unsentBytes).toBe(1024 * 1024);
    expect(fill(new WriteBuffer(stopped(), 1e6, budget))).toBe(8);
    await Promise.all(streams.map((stream) => once(stream.destroy(), 'close')));
    expect(budget.unsentBytes).toBe(8 * 1024);
    expect(fill(new WriteBuffer(stopped(), 1e6, budget))).toBe(32);
  });
});
