import { type Samples, valuesOf } from './alternate.ts';
import type { Result, Series } from './bench.ts';
import { variantsOf } from './rows.ts';
import { ratioSpread, type Spread, spread } from './statistics.ts';

/** A result as text: a table for each load, with the medians, then with the ratios to each baseline. */
export function tableOf(result: Result): string {
  const tables = result.series.map((series) => seriesTable(result, series));
  const notes = result.notes.map((note) => `- ${note}`);
  return [...tables, ...(notes.length > 0 ? [notes.join('\n')] : [])].join('\n\n');
}

function seriesTable({ bench, metrics, baselines }: Result, { inFlight, samples }: Series): string {
  const variants = variantsOf(samples);
  const rounds = samples.get(variants[0] ?? '')?.length ?? 0;
  const title = `${bench}, ${inFlight} in flight: median of ${rounds} rounds (interquartile range)`;
  const medians = variants.map((variant) => [
    variant,
    ...metrics.map((metric) => cell(spread(valuesOf(samples, variant, metric)))),
  ]);
  const ratios = baselines.flatMap((baseline, index) => [
    [`× ${baseline}`, ...metrics.map(() => '')],
    ...ratioLines(samples, metrics, baseline, baselines.slice(0, index)),
  ]);
  return [title, ...aligned([['', ...metrics], ...medians, ...ratios])].join('\n');
}

function ratioLines(
  samples: Samples,
  metrics: readonly string[],
  baseline: string,
  without: readonly string[],
): string[][] {
  const variants = variantsOf(samples).filter((variant) => variant !== baseline && !without.includes(variant));
  return variants.map((variant) => [
    `  ${variant}`,
    ...metrics.map((metric) =>
      cell(ratioSpread(valuesOf(samples, variant, metric), valuesOf(samples, baseline, metric))),
    ),
  ]);
}

function cell({ median, iqr }: Spread): string {
  return `${figure(median)} (${figure(iqr)})`;
}

/** A number with three significant digits, or as many as it has before the point; a dash where a slice was too short for one. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const decimals = value === 0 ? 0 : Math.max(0, Math.min(4, 2 - Math.floor(Math.log10(Math.abs(value)))));
  return value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** Lines of cells in columns: the first to the left, the others to the right. */
function aligned(lines: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const line of lines)
    for (const [column, text] of line.entries()) widths[column] = Math.max(widths[column] ?? 0, text.length);
  return lines.map((line) =>
    line
      .map((text, column) =>
        column === 0 ? `  ${text.padEnd(widths[column] ?? 0)}` : `   ${text.padStart(widths[column] ?? 0)}`,
      )
      .join('')
      .trimEnd(),
  );
}
