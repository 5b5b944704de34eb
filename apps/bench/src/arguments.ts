import { parseArgs } from 'node:util';
import type { Bench } from './measure/bench.ts';

/** What the command line asks for. */
export interface Arguments {
  readonly benches: readonly Bench[];
  /** The file to write the rows to. */
  readonly json: string | undefined;
  readonly rounds: number;
  readonly sliceMs: number;
  readonly quick: boolean;
  readonly help: boolean;
}

/** The command's own account of itself. */
export function usage(benches: readonly Bench[]): string {
  return [
    'npm run bench -- [NAME…] [--json FILE] [--quick]',
    '',
    ...benches.map(({ name, summary }) => `  ${name.padEnd(24)}${summary}`),
    '',
    '  Without a name all of them run; "gateway" stands for every bench whose name starts with "gateway-".',
    '  --json FILE     writes rows {bench, variant, inFlight, metric, median, iqr} to a file',
    '  --quick         runs short slices, two benches at a time: it shows that they work, and its figures mean little',
  ].join('\n');
}

/** Reads the command line. @throws Error that says what is wrong with it */
export function readArguments(words: readonly string[], benches: readonly Bench[]): Arguments {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      json: { type: 'string' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const named = new Set(positionals.flatMap((name) => benchesNamed(name, benches)));
  return {
    benches: named.size === 0 ? benches : benches.filter((bench) => named.has(bench)),
    json: values.json,
    ...(values.quick ? { rounds: 2, sliceMs: 100 } : { rounds: 10, sliceMs: 700 }),
    quick: values.quick,
    help: values.help,
  };
}

function benchesNamed(name: string, benches: readonly Bench[]): readonly Bench[] {
  const named = benches.filter((bench) => bench.name === name || bench.name.startsWith(`${name}-`));
  if (named.length > 0) return named;
  throw new Error(`there is no bench "${name}"; there are ${benches.map((bench) => bench.name).join(', ')}`);
}
