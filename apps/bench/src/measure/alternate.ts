import { setTimeout as delay } from 'node:timers/promises';

/** What was measured in one slice, by the name of the metric. */
export type Sample = Readonly<Record<string, number>>;

/** One of the things that are compared. */
export interface Variant {
  readonly name: string;
  /** Works for about as long as it is told, in milliseconds, and says what it measured. */
  slice(durationMs: number): Promise<Sample>;
}

/** How long to measure. */
export interface Schedule {
  /** How many rounds there are. The first warms up and is not counted. */
  readonly rounds: number;
  /** How long each variant works in each round, in milliseconds. */
  readonly sliceMs: number;
  /** Ends the run between two slices. */
  readonly signal: AbortSignal;
}

/** The samples of every variant, by its name, in the order of the rounds. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

/** Lets what a slice left behind, such as a collection of garbage, end before the next one starts. */
const pauseMs = 20;

/**
 * Runs the variants by turns: a slice of each makes a round. So all of them meet the same weather on the machine. Each
 * round starts with another variant, so that none always runs behind the same one.
 *
 * @param onRound is told before each round, counted from 1
 */
export async function alternate(
  variants: readonly Variant[],
  { rounds, sliceMs, signal }: Schedule,
  onRound: (round: number) => void,
): Promise<Samples> {
  const samples = new Map<string, Sample[]>(variants.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    onRound(round + 1);
    const first = round % variants.length;
    for (const variant of [...variants.slice(first), ...variants.slice(0, first)]) {
      signal.throwIfAborted();
      const sample = await variant.slice(sliceMs);
      if (round > 0) samples.get(variant.name)?.push(sample);
      await delay(pauseMs);
    }
  }
  return samples;
}

/** One metric of one variant over the rounds. @throws Error when a sample lacks it */
export function valuesOf(samples: Samples, variant: string, metric: string): number[] {
  return (samples.get(variant) ?? []).map((sample) => {
    const value = sample[metric];
    if (value === undefined) throw new Error(`${variant} has no ${metric}`);
    return value;
  });
}
