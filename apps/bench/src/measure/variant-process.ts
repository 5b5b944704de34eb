import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { HttpConnection } from './http-connection.ts';

/** How long a process may take to answer for the first time, and to end when it is asked to, in milliseconds. */
const startMs = 60_000;
const endMs = 10_000;

const live = new Set<ChildProcess>();
process.on('exit', () => live.forEach((child) => child.kill('SIGKILL'))); // when all else has failed

/** A server process that is measured. */
export class VariantProcess implements AsyncDisposable {
  readonly #command: readonly string[];
  readonly #child: ChildProcess;

  /**
   * Starts a process.
   *
   * @param command the arguments of Node: flags, and the file that it runs
   * @param env what it gets beside the environment of this process
   */
  constructor(command: readonly string[], env: Readonly<Record<string, string>>) {
    this.#command = command;
    // A process group of its own: a terminal's Ctrl-C reaches the bench alone, which ends its processes itself.
    this.#child = spawn(process.execPath, command, {
      env: { ...process.env, NODE_ENV: 'production', ...env },
      stdio: ['ignore', 2, 2],
      detached: true,
    });
    live.add(this.#child);
    this.#child.on('exit', () => live.delete(this.#child));
  }

  /** Waits until it answers a GET over its unix socket with 200. @throws Error when it ends, or takes too long */
  async answers(socketPath: string, path: string, signal: AbortSignal): Promise<void> {
    for (const until = Date.now() + startMs; Date.now() < until; await delay(20)) {
      signal.throwIfAborted();
      this.#mustLive();
      if (existsSync(socketPath) && (await statusOf(socketPath, path)) === 200) return;
    }
    throw new Error(`${this.#command.at(-1)} does not answer ${path} with 200 within ${startMs / 1000} s`);
  }

  /** The processor time that it has taken so far, in the system and out of it, in microseconds. */
  cpuMicros(): number {
    this.#mustLive();
    return cpuMicrosOf(this.#child.pid ?? 0);
  }

  /** Ends it, and waits for that. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!live.has(this.#child) || this.#child.pid === undefined) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const last = setTimeout(() => this.#child.kill('SIGKILL'), endMs);
    await ended;
    clearTimeout(last);
  }

  #mustLive(): void {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null)
      throw new Error(`${this.#command.at(-1)} ended (${signalCode ?? exitCode})`);
  }
}

async function statusOf(socketPath: string, path: string): Promise<number> {
  try {
    await using connection = await HttpConnection.open(socketPath);
    return (await connection.ask(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`)).status;
  } catch {
    return 0; // it does not listen yet
  }
}

/** Of Linux; Node.js knows of no other, and every architecture that it runs on has this one. */
const ticksPerSecond = 100;

/** @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function cpuMicrosOf(pid: number): number {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return psMicros(execFileSync('ps', ['-o', 'time=', '-p', String(pid)], { encoding: 'utf8' }));
  const stat = readFileSync(file, 'utf8');
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2) // the name before it may hold anything
    .split(' ')
    .slice(11, 13)
    .map(Number);
  if (user === undefined || system === undefined) throw new Error(`cannot read ${file}`);
  return ((user + system) * 1e6) / ticksPerSecond;
}

/** Reads a time as `ps` writes it: `[[days-]hours:]minutes:seconds[.hundredths]`. */
export function psMicros(time: string): number {
  const [clock = '', days = '0'] = time.trim().split('-').toReversed();
  const seconds = clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return Math.round((Number(days) * 86_400 + seconds) * 1e6);
}
