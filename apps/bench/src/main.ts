import { writeFileSync } from 'node:fs';
import { type Arguments, readArguments, usage } from './arguments.ts';
import type { Bench, Result } from './measure/bench.ts';
import { benches } from './benches/benches.ts';
import { machineLine } from './measure/machine.ts';
import { rowsOf } from './measure/rows.ts';
import { tableOf } from './measure/table.ts';

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => interrupted.abort(new Error('interrupted; the processes are ended')));
}

try {
  const asked = readArguments(process.argv.slice(2), benches);
  if (asked.help) console.log(usage(benches));
  else await run(asked);
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = interrupted.signal.aborted ? 130 : 1;
}

async function run({ benches: chosen, json, ...schedule }: Arguments): Promise<void> {
  const results = new Map<Bench, Result>();
  if (json !== undefined) writeFileSync(json, ''); // a file that cannot be written is known before the wait
  console.log(machineLine());
  const failed = new AbortController();
  const signal = AbortSignal.any([interrupted.signal, failed.signal]);
  const left = [...chosen];
  const runner = async (): Promise<void> => {
    for (let bench = left.shift(); bench !== undefined; bench = left.shift()) {
      const { name } = bench;
      const progress = (line: string): void => console.error(`${name}: ${line}`);
      const result = await bench.run({ ...schedule, signal, progress });
      results.set(bench, result);
      console.log(`\n${tableOf(result)}\n`);
    }
  };
  const runners = Array.from({ length: schedule.quick ? 2 : 1 }, runner);
  try {
    await Promise.all(runners);
  } catch (error) {
    failed.abort(error);
    await Promise.allSettled(runners); // the other one ends its processes
    throw error;
  }
  const rows = chosen
    .map((bench) => results.get(bench))
    .flatMap((result) => (result === undefined ? [] : rowsOf(result)));
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(rows, null, 2)}\n`);
}
