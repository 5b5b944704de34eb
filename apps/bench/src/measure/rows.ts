import { type Samples, valuesOf } from './alternate.ts';
import type { Result } from './bench.ts';
import { spread } from './statistics.ts';

/** One figure, as `--json` writes it. */
export interface Row {
  readonly bench: string;
  readonly variant: string;
  readonly inFlight: number;
  readonly metric: string;
  readonly median: number;
  readonly iqr: number;
}

/** Every figure of a result. */
export function rowsOf({ bench, metrics, series }: Result): Row[] {
  return series.flatMap(({ inFlight, samples }) =>
    variantsOf(samples).flatMap((variant) =>
      metrics.map((metric) => ({ bench, variant, inFlight, metric, ...spread(valuesOf(samples, variant, metric)) })),
    ),
  );
}

/** The names of the variants, in the order in which they were given. */
export function variantsOf(samples: Samples): string[] {
  return [...samples.keys()];
}
