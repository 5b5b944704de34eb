/**
 * Does something again and again, several times at once, until the signal. What fails is begun anew: whoever is attacked
 * closes connections and refuses calls.
 *
 * @param once does it one time, and gives up when its signal fires
 * @returns how often it was begun
 */
export async function untilAborted(
  signal: AbortSignal,
  atOnce: number,
  once: (signal: AbortSignal) => Promise<void>,
): Promise<number> {
  let begun = 0;
  const again = async (): Promise<void> => {
    while (!signal.aborted) {
      begun += 1;
      await once(signal).catch(() => undefined);
      await new Promise((resolve) => setImmediate(resolve)); // what fails at once must not keep others from their turn
    }
  };
  await Promise.all(Array.from({ length: atOnce }, again));
  return begun;
}
