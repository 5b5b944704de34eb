/** Where the middle of some values lies, and how far the middle half of them spreads. */
export interface Spread {
  readonly median: number;
  /** The interquartile range: the third quartile less the first. */
  readonly iqr: number;
}

/**
 * The value below which a share of the values lies, interpolated between neighbours.
 *
 * @param sorted values in rising order, at least one
 * @param share from 0 to 1
 */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)];
  const above = sorted[Math.ceil(at)];
  if (below === undefined || above === undefined) throw new Error('there is no quantile of no values');
  return below + (above - below) * (at - Math.floor(at));
}

/** The median and interquartile range of values in any order, at least one. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: quantile(sorted, 0.5), iqr: quantile(sorted, 0.75) - quantile(sorted, 0.25) };
}

/**
 * How two variants compare: the spread of the ratios of values that were measured in the same round, so that what
 * slows the machine down for a while slows both sides of a ratio.
 *
 * @throws Error when there are not as many of the one as of the other
 */
export function ratioSpread(values: readonly number[], baseline: readonly number[]): Spread {
  if (values.length !== baseline.length) throw new Error('a ratio takes two values of each round');
  return spread(values.map((value, round) => value / (baseline[round] ?? Number.NaN)));
}
