// npm run bench: builds, and runs the benchmarks of apps/bench.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { build, ensureInstalled, environment, nodePath, root } from './toolchain.mjs';

await ensureInstalled();
await build();

const child = spawn(nodePath(), [join(root, 'apps/bench/dist/main.js'), ...process.argv.slice(2)], {
  cwd: root,
  env: environment,
  stdio: 'inherit',
});
process.on('SIGINT', () => undefined); // a terminal sends it to the child as well, which ends its servers first
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (code) => (process.exitCode = code ?? 1));
