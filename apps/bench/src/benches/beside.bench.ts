import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { alternate, type Sample, type Samples, valuesOf, type Variant } from '../measure/alternate.ts';
import type { Series } from '../measure/bench.ts';
import { engineBenches, type Ground } from '../directory/engine-bench.ts';
import { fill } from '../directory/fill.ts';
import type { LoadKind, Order } from '../directory/load.worker.ts';
import { DirectoryService, migrate } from '../directory/service.ts';
import { quantile, spread } from '../measure/statistics.ts';

/** What runs beside the GETs; the scans have a filter that lets nobody through, of as many comparisons as it may have. */
const loads: readonly LoadKind[] = ['import', 'export', 'page', 'total', 'sort', 'filtered export', 'filtered watch'];

/** What GETs feel of an import, an export or scans that run at the same time. */
export const besideBenches = engineBenches(
  'beside',
  'GETs alone, and beside an import, an export, and pages, counts, exports and watches with a filter',
  async (ground) => {
    const { makePlace, folder, stack, options } = ground;
    const size = options.quick ? 1000 : 100_000;
    options.progress(`filling a directory with ${size} users`);
    const place = await makePlace('beside');
    await migrate(place, join(folder, 'migrate-socket'), options.signal);
    await fill(place, size, options.signal);
    const service = stack.use(await DirectoryService.start(place, join(folder, 'socket'), options.signal));
    const load = stack.use(new Load(service.target, size));
    const series: Series[] = [];
    for (const inFlight of [1, 16])
      series.push({ inFlight, samples: await measured(ground, service, load, size, inFlight) });
    const notes = [
      `GETs of random users out of ${size} over gRPC, a caller asking anew as soon as it is answered. The import sends 50 new users a message, the export is read again and again, both as fast as they go, from another thread. The goal is a p99Millis of at most 3 times that of "alone".`,
      ...series.map(loadNote),
    ];
    return {
      metrics: ['p50Millis', 'p99Millis', 'getsPerSecond'],
      baselines: ['alone'],
      series,
      notes,
    };
  },
);

async function measured(
  { options }: Ground,
  service: DirectoryService,
  load: Load,
  size: number,
  inFlight: number,
): Promise<Samples> {
  const gets = (durationMs: number): Promise<Sample> => getFor(service, durationMs, size, inFlight);
  const beside =
    (kind: LoadKind) =>
    async (durationMs: number): Promise<Sample> => {
      load.start(kind);
      const start = performance.now();
      const sample = await gets(durationMs);
      const rows = await load.stop();
      return { ...sample, rowsPerSecond: (rows * 1000) / (performance.now() - start) };
    };
  const variants: Variant[] = [
    { name: 'alone', slice: gets },
    ...loads.map((kind) => ({ name: `beside ${kind}`, slice: beside(kind) })),
  ];
  options.progress(`${inFlight} in flight, warming up`);
  for (let round = 0; round < (options.quick ? 1 : 4); round += 1)
    for (const variant of variants) await variant.slice(options.sliceMs);
  return await alternate(variants, options, (round) =>
    options.progress(`${inFlight} in flight, round ${round} of ${options.rounds}`),
  );
}

function loadNote({ inFlight, samples }: Series): string {
  const rates = ['import', 'export'].map((kind) => {
    const rows = spread(valuesOf(samples, `beside ${kind}`, 'rowsPerSecond')).median;
    return `${kind} ${Math.round(rows)}`;
  });
  return `Rows per second meanwhile, with ${inFlight} GETs in flight: ${rates.join(', ')}.`;
}

async function getFor(service: DirectoryService, durationMs: number, size: number, inFlight: number): Promise<Sample> {
  const start = performance.now();
  const latencies: number[] = [];
  const caller = async (): Promise<void> => {
    while (performance.now() - start < durationMs) {
      const id = 1 + Math.floor(Math.random() * size);
      const sentMs = performance.now();
      const { user } = await service.get(id);
      latencies.push(performance.now() - sentMs);
      if (user?.id !== String(id)) throw new Error(`a GET of user ${id} gives ${user?.id}`);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  const sorted = Float64Array.from(latencies).toSorted();
  return {
    p50Millis: quantile(sorted, 0.5),
    p99Millis: quantile(sorted, 0.99),
    getsPerSecond: (sorted.length * 1000) / (performance.now() - start),
    rowsPerSecond: 0,
  };
}

/** The import or export that runs meanwhile. */
class Load implements AsyncDisposable {
  readonly #worker: Worker;
  #ended: Promise<unknown[]> | undefined;

  constructor(target: string, firstNumber: number) {
    this.#worker = new Worker(new URL('../directory/load.worker.js', import.meta.url), {
      workerData: { target, firstNumber },
    });
  }

  start(kind: LoadKind): void {
    this.#ended = once(this.#worker, 'message');
    this.#tell({ start: kind });
  }

  /** @returns how many rows it had */
  async stop(): Promise<number> {
    this.#tell('stop');
    const [rows] = (await this.#ended) ?? [];
    if (typeof rows !== 'number') throw new Error(`the load failed: ${String(rows)}`);
    return rows;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#worker, 'exit');
    this.#tell('close');
    await ended;
  }

  #tell(order: Order): void {
    this.#worker.postMessage(order);
  }
}
