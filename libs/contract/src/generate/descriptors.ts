import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTool } from './tools.ts';

/** The protos that come with this package: beside `src` in the sources, and beside `dist` in a build. */
const shipped = fileURLToPath(new URL('../../proto/', import.meta.url));

export interface Descriptors {
  /** An encoded google.protobuf.FileDescriptorSet, imports and comments included. */
  readonly image: Uint8Array;
  /** The files of the folder itself, as imports name them. */
  readonly own: readonly string[];
}

/**
 * Compiles the protos of a folder. They are laid together with those that they may import in a folder of their own, which
 * needs no configuration of buf, and heeds none. Of files with the same name, the folder's own counts.
 */
export function buildDescriptors(folder: string, imports: readonly string[]): Descriptors {
  const own = protosIn(folder);
  if (own.length === 0) throw new Error(`there is no .proto file in ${folder}`);
  const together = mkdtempSync(join(tmpdir(), 'contract-'));
  try {
    for (const from of [shipped, ...imports.toReversed(), folder])
      for (const name of protosIn(from)) {
        mkdirSync(dirname(join(together, name)), { recursive: true });
        cpSync(join(from, name), join(together, name));
      }
    const image = join(together, 'image.binpb');
    const paths = own.flatMap((name) => ['--path', name]);
    runTool('buf', ['build', '.', '--as-file-descriptor-set', '-o', image, ...paths], { cwd: together });
    return { image: readFileSync(image), own };
  } finally {
    rmSync(together, { recursive: true, force: true });
  }
}

/** The protos in a folder, by their paths in it; those of installed packages are not its own. */
function protosIn(folder: string): string[] {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) throw new Error(`${folder} is no folder`);
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.proto') && !name.split(sep).includes('node_modules'))
    .map((name) => name.split(sep).join('/'))
    .toSorted();
}
