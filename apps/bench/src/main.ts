import { writeFileSync } from 'node:fs';
import { type Arguments, readArguments, usage } from './arguments.ts';
import type { Result } from './bench.ts';
import { benches } from './benches.ts';
import { machineLine } from './machine.ts';
import { rowsOf } from './rows.ts';
import { tableOf } from './table.ts';

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
  const results: Result[] = [];
  if (json !== undefined) writeFileSync(json, ''); // a file that cannot be written is known before the wait
  console.log(machineLine());
  for (const bench of chosen) {
    const progress = (line: string): void => console.error(`${bench.name}: ${line}`);
    const result = await bench.run({ ...schedule, signal: interrupted.signal, progress });
    results.push(result);
    console.log(`\n${tableOf(result)}\n`);
  }
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(results.flatMap(rowsOf), null, 2)}\n`);
}
