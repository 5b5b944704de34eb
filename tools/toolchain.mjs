// What every command of the root package.json needs first. It runs on whatever Node starts it, before anything is installed.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const bin = join(root, 'node_modules/.bin');
const stamp = join(root, 'node_modules/.rollcall-lock');

/** The environment of every command: the locked Node and tools come first on the PATH. */
export const environment = {
  ...process.env,
  PATH: `${bin}${delimiter}${process.env.PATH}`,
  NX_TUI: 'false',
  // Compiled code is kept: starting a process is half of what many tests and benchmarks do.
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules/.cache/compiled'),
  FORCE_COLOR: process.stdout.isTTY ? '1' : '0',
};

/** Runs a command to its end. @returns {Promise<number>} its exit code */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, env: environment, stdio: 'inherit', ...options });
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

/** As `run`; what the command writes goes to `look`, too, in pieces. */
export function runSeen(command, args, look) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const [stream, out] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      stream.setEncoding('utf8').on('data', (text) => {
        out.write(text);
        look(text);
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

/** Installs what package-lock.json says, unless that was done. */
export async function ensureInstalled() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.log('installing dependencies …');
  const [npm, ...args] =
    process.env.npm_execpath === undefined ? ['npm'] : [process.execPath, process.env.npm_execpath];
  if ((await run(npm, [...args, 'ci', '--no-fund', '--no-audit', '--loglevel=error'])) !== 0) process.exit(1);
  writeFileSync(stamp, lock);
}

/** The Node that runs the apps: the locked one where there is one for this platform, else the one at hand if it is new enough. */
export function nodePath() {
  const locked = join(bin, 'node');
  if (existsSync(locked)) return locked;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  console.error(`Rollcall needs Node 24 or later; this is ${process.versions.node}`);
  return process.exit(1);
}

/** Builds everything. Ends the process with an error when that fails. */
export async function build() {
  console.log('building …');
  if (
    (await run('nx', ['run-many', '-t', 'build', '--output-style=stream', '--verbose=false'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })) !== 0
  ) {
    await run('nx', ['run-many', '-t', 'build']); // once more, with what it has to say
    process.exit(1);
  }
}
