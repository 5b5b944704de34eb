import { spawn } from 'node:child_process';
import { delimiter } from 'node:path';

/** What became of a command. */
export interface Ran {
  readonly code: number | null;
  /** What it wrote, errors too. */
  readonly output: string;
}

/** Runs a command to its end. Programs of the folders in `path` come first. */
export function run(command: string, args: readonly string[], cwd: string, path: readonly string[] = []): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const PATH = [...path, process.env['PATH']].join(delimiter);
    // A test of Node's own runner that is run by another says nothing by itself.
    const env = { ...process.env, PATH, NO_COLOR: '1', NODE_TEST_CONTEXT: undefined, NODE_OPTIONS: '' };
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** The same for what has to succeed. @throws Error with what it wrote */
export async function succeed(...command: Parameters<typeof run>): Promise<string> {
  const { code, output } = await run(...command);
  if (code !== 0) throw new Error(`${[command[0], ...command[1]].join(' ')} ended with ${code}:\n${output}`);
  return output;
}
