import type { Samples, Schedule } from './alternate.ts';

/** How a bench is to run. */
export interface RunOptions extends Schedule {
  /** Whether to show no more than that it works: the figures are to be had soon rather than right. */
  readonly quick: boolean;
  /** Tells whoever waits what is going on. */
  readonly progress: (line: string) => void;
}

/** The variants side by side, under one load. */
export interface Series {
  /** How many operations are under way at once. */
  readonly inFlight: number;
  readonly samples: Samples;
}

/** What a bench found out. */
export interface Result {
  readonly bench: string;
  /** The metrics to show, in this order. A sample may hold more. */
  readonly metrics: readonly string[];
  /** The variants that the others are compared with. */
  readonly baselines: readonly string[];
  readonly series: readonly Series[];
  /** What one must know to read the figures, as sentences. */
  readonly notes: readonly string[];
}

/** Something that can be measured, in variants. */
export interface Bench {
  readonly name: string;
  /** What it measures, for the list of benches. */
  readonly summary: string;
  /** @throws Error when a variant cannot start or gives a wrong answer, and when the signal fires */
  run(options: RunOptions): Promise<Result>;
}
