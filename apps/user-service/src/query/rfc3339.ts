import { parseTimestamp } from '@rollcall/contract';

/** A point in time, as exact as it was written. */
export interface Instant {
  /** The whole milliseconds since the epoch, the time itself or the last before it. */
  readonly ms: bigint;
  /** Whether the time is that millisecond, and not between it and the next. */
  readonly whole: boolean;
}

/**
 * The time that a text in the form `2026-01-31T12:00:00.5+01:00` gives, as JSON writes times; undefined when it has another
 * form, or there is no such time.
 */
export function parseInstant(text: string): Instant | undefined {
  const time = parseTimestamp(text);
  return time && { ms: time.seconds * 1000n + BigInt(Math.floor(time.nanos / 1e6)), whole: time.nanos % 1e6 === 0 };
}
