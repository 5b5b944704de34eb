import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './libraries.ts';
import { succeed } from './run.ts';

/** What is changed in the package.json of the example. */
export interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
}

/** Copies what is committed of examples/orders, but for some of it. */
export function copyExample(
  to: string,
  change: (manifest: Manifest) => Manifest,
  without: readonly string[] = [],
): void {
  const made = new Set(['node_modules', 'dist', 'gen', 'package-lock.json']);
  cpSync(join(root, 'examples/orders'), to, {
    recursive: true,
    filter: (path) => !made.has(path.split('/').at(-1) ?? ''),
  });
  for (const path of without) rmSync(join(to, path), { recursive: true });
  const file = join(to, 'package.json');
  const manifest: Manifest = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify(change(manifest), null, 2));
}

/** Installs what the package.json of a folder names. */
export async function install(folder: string, cache: string): Promise<void> {
  await succeed('npm', ['install', '--no-audit', '--no-fund', '--cache', cache], folder);
}
