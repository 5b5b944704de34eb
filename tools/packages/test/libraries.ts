import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, succeed } from './run.ts';

export const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The folders in libs/ of what strangers install. */
export const libraries = ['contract', 'grpc', 'grpc-batching', 'transcoder', 'openapi'] as const;

/** Packs the libraries. @returns the paths of the tarballs, by the library */
export async function pack(destination: string): Promise<Record<string, string>> {
  const tarballs: Record<string, string> = {};
  for (const library of libraries) {
    const { version } = manifestOf(library);
    await succeed('npm', ['pack', '--pack-destination', destination], join(root, 'libs', library));
    tarballs[library] = join(destination, `rollcall-${library}-${version}.tgz`);
  }
  return tarballs;
}

/** The package.json of a library, as it stands in this workspace. */
export function manifestOf(library: string): { version: string } & Record<string, unknown> {
  return JSON.parse(readFileSync(join(root, 'libs', library, 'package.json'), 'utf8'));
}

/** The files in a tarball, without the folder that they all stand in. */
export async function filesOf(tarball: string): Promise<string[]> {
  const { output } = await run('tar', ['tzf', basename(tarball)], join(tarball, '..'));
  return output
    .trim()
    .split('\n')
    .map((path) => path.replace(/^package\//, ''));
}
