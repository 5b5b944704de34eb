import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Makes an empty directory, which goes with all that is in it. */
export function makeDirectory(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'rollcall-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
