import { status as Status } from '@grpc/grpc-js';
import { concat, delay, EMPTY, lastValueFrom, of, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { RpcError } from '../../src/status/rpc-error.ts';
import { settled } from '../shelf-service.ts';
import { messageCounter, ours, type Start, stock } from './servers.ts';

/** By when there is an answer on a busy machine, if there is one. */
const answerTakesMs = 2000;

/** What the caller of a unary method gets, and how many messages the server sends for it. */
async function answer(start: Start, readFile: () => unknown): Promise<{ got: unknown; sent: number }> {
  const { counts, interceptor } = messageCounter();
  await using service = await start({ readFile }, { interceptor });
  const call = service.client.readFile({ path: '' }, { deadline: Date.now() + answerTakesMs });
  const got = await lastValueFrom(call.pipe(toArray())).catch((error: RpcError) => error.code);
  return { got, sent: await settled(() => counts.sent) };
}

const one = of({ path: '1' });
const other = of({ path: '2' });

describe('a unary handler whose Observable is empty', () => {
  it('stock Nest: leaves the caller waiting', async () => {
    expect(await answer(stock, () => EMPTY)).toEqual({ got: Status.DEADLINE_EXCEEDED, sent: 0 });
  });

  it('libs/grpc: is an error of the server', async () => {
    expect(await answer(ours, () => EMPTY)).toEqual({ got: Status.INTERNAL, sent: 0 });
  });
});

describe('a unary handler whose Observable gives two values', () => {
  const atOnce = () => concat(one, other);
  const oneByOne = () => concat(one, other.pipe(delay(20)));

  it('stock Nest: answers twice, and the caller is told so at once', async () => {
    expect(await answer(stock, atOnce)).toEqual({ got: Status.UNIMPLEMENTED, sent: 2 });
  });

  it('stock Nest: sends the second value though the call is over', async () => {
    expect(await answer(stock, oneByOne)).toEqual({ got: [{ path: '1' }], sent: 2 });
  });

  it.each([
    ['at once', atOnce],
    ['one by one', oneByOne],
  ])('libs/grpc: answers once, with the first: %s', async (_, readFile) => {
    expect(await answer(ours, readFile)).toEqual({ got: [{ path: '1' }], sent: 1 });
  });
});
