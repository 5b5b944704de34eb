// npm run test:packages: builds, packs the libraries that others install, and judges them as a stranger would: installed from
// their tarballs, with an empty cache of npm, into folders outside of this workspace.
import { join } from 'node:path';
import { runSuites } from '../suites.mjs';
import { build, ensureInstalled, environment, root } from '../toolchain.mjs';

await ensureInstalled();
await build();

const args = ['--config', 'vitest.packages.ts'];
// Nothing of this workspace's own npm is handed on: what npm was told here, strangers have not said.
const env = Object.fromEntries(
  Object.entries(environment).filter(([name]) => !/^npm_(config|package)_(?!registry$)/i.test(name)),
);
await runSuites([{ name: 'packages', project: join(root, 'tools'), args, results: '.test/packages.json' }], env);
