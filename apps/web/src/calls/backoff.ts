const firstMs = 500;
const mostMs = 8_000;

/**
 * How long to wait before another try, in milliseconds: twice as long each time, and somewhere in the upper half of that,
 * so that not all who were cut off at once come back at once.
 */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const longest = Math.min(mostMs, firstMs * 2 ** Math.min(failures, 10));
  return Math.round(longest * (0.5 + random() / 2));
}
