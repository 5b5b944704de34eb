import { join } from 'node:path';
import { alternate, type Variant } from '../measure/alternate.ts';
import { type BulkLoader, openBulkLoader } from '../directory/bulk-load.ts';
import { engineBenches, type Found, type Ground } from '../directory/engine-bench.ts';
import { importLines, importRows, type Numbers } from '../directory/import-stream.ts';
import { personOf } from '../directory/people.ts';
import { DirectoryService, migrate, startGateway } from '../directory/service.ts';

const perTransaction = 1000;
const perMessage = 50;

/** What an import costs beside the bulk load of the engine itself. */
export const importBenches = engineBenches(
  'import',
  'import of new users: the bulk load of the engine itself, without and with the change log, gRPC, and lines over REST',
  async (ground) => {
    const { options } = ground;
    options.progress('starting the services');
    const variants: Variant[] = [
      await bulkVariant(ground, 'bulk load', false),
      await bulkVariant(ground, 'bulk load, log', true),
      await serviceVariant(ground, `gRPC, ${perMessage} rows`, perMessage),
      await serviceVariant(ground, 'gRPC, 1 row', 1),
      await restVariant(ground),
    ];
    options.progress('warming up');
    for (let round = 0; round < (options.quick ? 1 : 4); round += 1)
      for (const variant of variants) await variant.slice(options.sliceMs);
    const samples = await alternate(variants, options, (round) =>
      options.progress(`round ${round} of ${options.rounds}`),
    );
    const notes = [
      `"bulk load" writes users alone, in durable transactions of ${perTransaction} rows; "bulk load, log" writes the change log in them too, which the service always does. Every variant has a database of its own, with the same tables and indexes.`,
      `"${perMessage} rows" and "1 row" are of a message. The goal of the former is at least 0.5 of the bulk load.`,
    ];
    return {
      metrics: ['rowsPerSecond'],
      baselines: ['bulk load'],
      series: [{ inFlight: 1, samples }],
      notes,
    } satisfies Found;
  },
);

async function bulkVariant(
  { makePlace, folder, stack, options }: Ground,
  name: string,
  log: boolean,
): Promise<Variant> {
  const place = await makePlace(log ? 'bulk-log' : 'bulk');
  await migrate(place, join(folder, log ? 'bulk-log-socket' : 'bulk-socket'), options.signal);
  const loader: BulkLoader = stack.use(await openBulkLoader(place));
  const next = numbers();
  return {
    name,
    slice: (durationMs) =>
      measured(durationMs, async (goesOn) => {
        let rows = 0;
        for (; goesOn(); rows += perTransaction) {
          const people = Array.from({ length: perTransaction }, () => personOf(next()));
          await loader.load(people, log);
        }
        return rows;
      }),
  };
}

async function serviceVariant(ground: Ground, name: string, rows: number): Promise<Variant> {
  const service = await startService(ground, `rows-${rows}`);
  const next = numbers();
  return {
    name,
    slice: (durationMs) => measured(durationMs, (goesOn) => importRows(service.client, rows, next, goesOn)),
  };
}

async function restVariant(ground: Ground): Promise<Variant> {
  const service = await startService(ground, 'rest');
  const socketPath = join(ground.folder, 'rest.sock');
  ground.stack.use(await startGateway(service, socketPath, ground.options.signal));
  const next = numbers();
  return {
    name: 'REST, lines',
    slice: (durationMs) => measured(durationMs, (goesOn) => importLines(socketPath, next, goesOn)),
  };
}

async function startService({ makePlace, folder, stack, options }: Ground, name: string): Promise<DirectoryService> {
  const place = await makePlace(name);
  return stack.use(await DirectoryService.start(place, join(folder, `${name}-socket`), options.signal));
}

function numbers(): Numbers {
  let last = 0;
  return () => (last += 1);
}

async function measured(
  durationMs: number,
  work: (goesOn: () => boolean) => Promise<number>,
): Promise<{ rowsPerSecond: number }> {
  const start = performance.now();
  const rows = await work(() => performance.now() - start < durationMs);
  return { rowsPerSecond: (rows * 1000) / (performance.now() - start) };
}
