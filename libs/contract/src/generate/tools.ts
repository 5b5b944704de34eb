import { spawnSync } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';

/**
 * Runs a program that is installed beside this package, or anywhere on the PATH.
 *
 * @returns what it wrote to its output
 * @throws Error with what it said, or how to install it
 */
export function runTool(name: string, args: readonly string[], options: { cwd?: string; input?: Uint8Array }): Buffer {
  const PATH = [...binFolders(process.cwd()), process.env['PATH']].filter(Boolean).join(delimiter);
  const { status, stdout, stderr, error } = spawnSync(name, args, {
    ...options,
    env: { ...process.env, PATH },
    maxBuffer: Infinity,
    shell: process.platform === 'win32', // npm links programs as .cmd files there
  });
  if (error !== undefined && 'code' in error && error.code === 'ENOENT')
    throw new Error(`there is no ${name}: npm install --save-dev @bufbuild/buf ts-proto`, { cause: error });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${name} ended with ${status}:\n${stderr.toString()}`);
  return stdout;
}

/** Where npm links programs for a folder, the nearest first. */
function binFolders(folder: string): string[] {
  const here = join(folder, 'node_modules/.bin');
  const parent = dirname(folder);
  return parent === folder ? [here] : [here, ...binFolders(parent)];
}
