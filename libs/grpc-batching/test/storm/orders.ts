/** What a storm asks for: each call brings an order that says what is to become of it, so that anyone can judge the outcome. */
import { status as Status } from '@grpc/grpc-js';

/** How the handler is to end a call, if it is let to. */
export type Fate = 'answer' | 'fail' | 'refuse' | 'wait';

export interface Order {
  readonly id: number;
  readonly fate: Fate;
  /** How long the handler takes, in milliseconds; 0 for at once. */
  readonly delayMs: number;
  /** The code of one that fails. */
  readonly code: Status;
  /** How much comes back beside the id, in bytes. */
  readonly bytes: number;
  /** Whether the method may be called again. */
  readonly idempotent: boolean;
  /** When the caller gives it up, in milliseconds after it began; Infinity for never. */
  readonly cancelMs: number;
  /** When its deadline is, in milliseconds after it began. */
  readonly deadlineMs: number;
}

/** Random numbers from 0 to 1, the same for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const codes = [Status.NOT_FOUND, Status.ABORTED, Status.INVALID_ARGUMENT, Status.FAILED_PRECONDITION];

/** Makes up a call. */
export function randomOrder(id: number, random: () => number): Order {
  const chance = (share: number): boolean => random() < share;
  const waits = chance(0.05);
  const fate: Fate = waits ? 'wait' : chance(0.1) ? 'fail' : chance(0.05) ? 'refuse' : 'answer';
  const cancels = waits ? chance(0.5) : chance(0.1);
  const hurries = (waits && !cancels) || chance(0.1);
  return {
    id,
    fate,
    delayMs: chance(0.5) ? 0 : Math.floor(random() * 12),
    code: codes[Math.floor(random() * codes.length)] ?? Status.ABORTED,
    bytes: chance(0.01) ? 100_000 : Math.floor(random() * 300),
    idempotent: chance(0.5),
    cancelMs: cancels ? Math.floor(random() * 15) : Infinity,
    deadlineMs: hurries ? 1 + Math.floor(random() * 30) : 120_000,
  };
}

/** An order as it travels: in the request's one string. */
export function written({ id, fate, delayMs, code, bytes }: Order): string {
  return [id, fate, delayMs, code, bytes].join(' ');
}

export type Written = Pick<Order, 'id' | 'fate' | 'delayMs' | 'code' | 'bytes'>;

export function readOrder(text: string): Written {
  const [id, fate, delayMs, code, bytes] = text.split(' ');
  return { id: Number(id), fate: fate as Fate, delayMs: Number(delayMs), code: Number(code), bytes: Number(bytes) };
}

/** What answers an order. */
export function answerTo({ id, bytes }: Written): string {
  return `${id} ${'x'.repeat(bytes)}`;
}
