// What every command of the root package.json needs first. It runs on whatever Node starts it, before anything is installed.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { lockedNodeFolder, root } from './node-version.mjs';
import { progress } from './progress.mjs';

export { nodePath, root } from './node-version.mjs';

const stamp = join(root, 'node_modules/.rollcall-lock');

/** The environment of every command: the locked Node and tools come first on the PATH. */
export const environment = {
  ...process.env,
  PATH: [lockedNodeFolder, join(root, 'node_modules/.bin'), process.env.PATH]
    .filter((folder) => folder !== undefined)
    .join(delimiter),
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

/** Runs a command to its end; what it writes goes to `onStdout` and `onStderr`, in pieces. @returns {Promise<number>} its exit code */
export function runSeen(command, args, onStdout, onStderr = onStdout) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.setEncoding('utf8').on('data', onStdout);
    child.stderr.setEncoding('utf8').on('data', onStderr);
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
  const end = progress('installing dependencies');
  // The npm that started this, unless it is another program for packages.
  const started = process.env.npm_execpath;
  const [npm, ...args] =
    started !== undefined && basename(started).startsWith('npm') ? [process.execPath, started] : ['npm'];
  const code = await run(npm, [...args, 'ci', '--no-fund', '--no-audit', '--no-progress', '--loglevel=error']);
  end();
  if (code !== 0) process.exit(1);
  writeFileSync(stamp, lock);
}

/** Builds everything. Ends the process with an error when that fails. */
export async function build() {
  const end = progress('building');
  let output = '';
  const code = await runSeen('nx', ['run-many', '-t', 'build', '--output-style=stream', '--verbose=false'], (text) => {
    output += text;
    const [, project] = /nx run @rollcall\/(\S+?):build/.exec(text) ?? [];
    if (project !== undefined) end.at(project);
  });
  end();
  if (code === 0) return;
  console.error(output);
  process.exit(1);
}
