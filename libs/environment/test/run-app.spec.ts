import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { runApp } from '../src/run-app.ts';

const send = Object.getOwnPropertyDescriptor(process, 'send');
const { poolSize } = Buffer;
beforeEach(() => {
  delete process.send; // it leads to who runs the tests
  vi.spyOn(Logger.prototype, 'log').mockReturnValue();
});
afterEach(() => {
  if (send !== undefined) Object.defineProperty(process, 'send', send);
  Buffer.poolSize = poolSize;
  vi.restoreAllMocks();
});

it.each([
  ['a text', () => Buffer.from('note')],
  ['bytes', () => Buffer.from([1, 2, 3])],
  ['what is put together', () => Buffer.concat([Buffer.of(1), Buffer.of(2)])],
  ['the largest that shares', () => Buffer.allocUnsafe(4095)],
])('a small buffer of %s that is kept holds 8 KiB at the most', async (_, make) => {
  await runApp('test', 'TEST_LISTEN', () =>
    Promise.resolve({ app: { enableShutdownHooks: () => undefined }, address: 'nowhere' }),
  );
  const before = make().buffer;
  let kept = make();
  while (kept.buffer === before) kept = make(); // the allocation of before is used up first
  expect(kept.buffer.byteLength).toBeLessThanOrEqual(8 * 1024);
});
