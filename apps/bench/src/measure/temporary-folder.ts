import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Makes a folder that is gone when the stack is, or at the end of the process. */
export function temporaryFolder(stack: AsyncDisposableStack): string {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-bench-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.on('exit', remove); // also when an error escapes the stack
  stack.defer(() => {
    process.off('exit', remove);
    remove();
  });
  return folder;
}
