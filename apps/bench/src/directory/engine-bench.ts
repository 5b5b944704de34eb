import type { Bench, Result, RunOptions } from '../measure/bench.ts';
import { temporaryFolder } from '../measure/temporary-folder.ts';
import { type EngineName, type MakePlace, openEngine } from './engines.ts';

/** What a bench of the directory works with. */
export interface Ground {
  readonly makePlace: MakePlace;
  /** An empty folder, gone at the end. */
  readonly folder: string;
  /** Ends what was started. */
  readonly stack: AsyncDisposableStack;
  readonly options: RunOptions;
}

/** What a bench of the directory found out; its name and its engine are known. */
export type Found = Omit<Result, 'bench'>;

/** The same bench for each engine: `name-sqlite` and `name-postgres`. */
export function engineBenches(name: string, summary: string, run: (ground: Ground) => Promise<Found>): Bench[] {
  const engines: Record<EngineName, string> = { sqlite: 'SQLite', postgres: 'PostgreSQL' };
  return (['sqlite', 'postgres'] as const).map((engine) => ({
    name: `${name}-${engine}`,
    summary: `${summary}, over ${engines[engine]}`,
    async run(options) {
      await using stack = new AsyncDisposableStack();
      const folder = temporaryFolder(stack);
      const makePlace = await openEngine(engine, folder, stack);
      const bench = `${name}-${engine}`;
      if (typeof makePlace === 'string') return { bench, metrics: [], baselines: [], series: [], notes: [makePlace] };
      return { bench, ...(await run({ makePlace, folder, stack, options })) };
    },
  }));
}
