// npm run audit:verify: installs and builds where that was not done, and checks the chain of the audit log. What hinders it
// before it has read the log is exit code 2, as for a log that cannot be read: 1 says that the chain is broken.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const main = 'apps/user-service/dist/verify-audit.js';
process.once('exit', (code) => {
  if (code === 1 && !reading) process.exitCode = 2;
});
let reading = false;

const { build, ensureInstalled, nodePath, root, run } = await import('./toolchain.mjs');
await ensureInstalled();
if (!existsSync(join(root, main))) await build();
const node = nodePath();
reading = true;
process.exitCode = await run(node, [join(root, main), ...process.argv.slice(2)]);
