import { alternate, type Sample, type Samples, valuesOf } from '../measure/alternate.ts';
import type { Result, RunOptions, Series } from '../measure/bench.ts';
import { type GatewayServer, startGateways } from './servers.ts';
import { mustAgree } from './users.ts';
import { HttpLoad, type LoadRequest } from '../measure/http-load.ts';
import { busyMicros } from '../measure/machine.ts';
import { variantsOf } from '../measure/rows.ts';
import { spread } from '../measure/statistics.ts';
import { temporaryFolder } from '../measure/temporary-folder.ts';

const metrics = ['cpuMicrosPerOp', 'opsPerSecond', 'p50Millis', 'p99Millis'] as const;

/** Who had how much of one core in a slice, from 0 up: it tells who was the bottleneck, and whether others disturbed. */
const shares = ['serverShare', 'generatorShare', 'othersShare'] as const;

/** How long a server is warmed up: gRPC servers still gained a third after 10,000 calls. */
const warmUpSlices = 12;

/** A server, and what it is asked. */
export interface Loaded {
  readonly server: GatewayServer;
  /** Makes the next request. */
  readonly next: () => LoadRequest;
}

/**
 * Loads every gateway variant with the same kind of request, side by side.
 *
 * @param next makes the next request
 */
export async function compareGateways(
  bench: string,
  options: RunOptions,
  next: () => LoadRequest,
  notes: readonly string[],
): Promise<Result> {
  await using stack = new AsyncDisposableStack();
  const folder = temporaryFolder(stack);
  options.progress('starting the servers, and filling their stores');
  const servers = await startGateways(folder, options.signal, stack);
  await mustAgree(servers);
  const loaded = servers.map((server) => ({ server, next }));
  const inFlights = options.quick ? [1, 50] : [1, 50, 500];
  return await compareLoaded(bench, options, loaded, ['monolith', 'by-the-book', 'plain'], notes, inFlights);
}

/** Loads servers that answer, side by side. */
export async function compareLoaded(
  bench: string,
  options: RunOptions,
  loaded: readonly Loaded[],
  baselines: readonly string[],
  notes: readonly string[],
  inFlights: readonly number[] = [1, 50],
): Promise<Result> {
  options.progress('warming up');
  for (const each of loaded) await warmUp(each, options);

  const series: Series[] = [];
  for (const inFlight of inFlights) {
    series.push({ inFlight, samples: await measured(loaded, inFlight, options) });
  }
  return { bench, metrics, baselines, series, notes: [...notes, ...series.map(sharesNote)] };
}

async function measured(loaded: readonly Loaded[], inFlight: number, options: RunOptions): Promise<Samples> {
  await using stack = new AsyncDisposableStack();
  const variants = [];
  for (const { server, next } of loaded) {
    const load = stack.use(await HttpLoad.open(server.socketPath, inFlight, next));
    variants.push({ name: server.name, slice: (durationMs: number) => slice(server, load, durationMs) });
  }
  return await alternate(variants, options, (round) =>
    options.progress(`${inFlight} in flight, round ${round} of ${options.rounds}`),
  );
}

async function slice(server: GatewayServer, load: HttpLoad, durationMs: number): Promise<Sample> {
  const [busyBefore, cpuBefore] = [busyMicros(), server.cpuMicros()];
  const { answers, elapsedMs, p50Millis, p99Millis, generatorMicros } = await load.run(durationMs);
  const cpuMicros = server.cpuMicros() - cpuBefore;
  const othersMicros = busyMicros() - busyBefore - cpuMicros - generatorMicros;
  return {
    cpuMicrosPerOp: cpuMicros / answers,
    opsPerSecond: (answers * 1000) / elapsedMs,
    p50Millis,
    p99Millis,
    serverShare: cpuMicros / (elapsedMs * 1000),
    generatorShare: generatorMicros / (elapsedMs * 1000),
    othersShare: Math.max(0, othersMicros) / (elapsedMs * 1000), // the clocks differ by a few ticks
  };
}

/** Lets the compilers of V8 see the code that will be measured. */
async function warmUp({ server, next }: Loaded, { sliceMs, signal, quick }: RunOptions): Promise<void> {
  await using load = await HttpLoad.open(server.socketPath, 50, next);
  for (let slices = 0; slices < (quick ? 1 : warmUpSlices); slices += 1) {
    signal.throwIfAborted();
    await load.run(sliceMs);
  }
}

function sharesNote({ inFlight, samples }: Series): string {
  const ofVariants = variantsOf(samples).map((variant) => {
    const percents = shares.map((share) => Math.round(spread(valuesOf(samples, variant, share)).median * 100));
    return `${variant} ${percents.join(' + ')}`;
  });
  return `Percent of one core that the servers + the load generator + everything else on the machine took, ${inFlight} in flight: ${ofVariants.join(', ')}.`;
}
