/** Starts the processes of the suite, and ends them by their id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Figures, Scene } from './scenes.ts';

export interface Ended {
  readonly code: number | null;
  readonly stderr: string;
  readonly output: string;
}

export interface ServerProcess extends AsyncDisposable {
  readonly target: string;
  readonly exited: Promise<Ended>;
  /** @param collect whether it lets go of its garbage first */
  figures(collect?: boolean): Promise<Figures>;
  kill(signal: NodeJS.Signals): void;
}

/** Starts a server in a process of its own, and waits until it listens. */
export async function startServer(scene: Scene): Promise<ServerProcess> {
  const directory = mkdtempSync(join(tmpdir(), 'server-'));
  const target = `unix://${directory}/grpc.sock`;
  const { child, exited } = start('server-process.ts', [target, JSON.stringify(scene)], 'ipc');
  const ended = await Promise.race([once(child, 'message').then(() => undefined), exited]);
  if (ended !== undefined) throw new Error(`the server did not start: ${ended.stderr}`);
  return {
    target,
    exited,
    async figures(collect = false) {
      child.send(collect);
      const [figures] = (await once(child, 'message')) as [Figures];
      return figures;
    },
    kill: (signal) => child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Runs a client whose requests break off, to its end. */
export function runClient(side: Scene['side'], target: string): Promise<Ended> {
  return start('client-process.ts', [side, target]).exited;
}

function start(file: string, args: string[], ...channel: 'ipc'[]): { child: ChildProcess; exited: Promise<Ended> } {
  const child = spawn(process.execPath, ['--expose-gc', fileURLToPath(new URL(file, import.meta.url)), ...args], {
    stdio: ['ignore', 'pipe', 'pipe', ...channel],
  });
  let output = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => (output += String(chunk)));
  child.stderr?.on('data', (chunk) => (stderr += String(chunk)));
  const exited = once(child, 'close').then(([code]) => ({ code: code as number | null, stderr, output }));
  return { child, exited };
}
