// npm run test:page: builds, and runs the stories of the page in a real Chromium: Debian's package, or what CHROMIUM names.
// It fails without one.
import { join } from 'node:path';
import { runSuites } from './suites.mjs';
import { build, ensureInstalled, environment, root } from './toolchain.mjs';

await ensureInstalled();
await build();

const args = ['--config', 'vitest.page.ts', ...process.argv.slice(2)];
await runSuites([{ name: 'page', project: join(root, 'apps/e2e'), args, results: '.test/page.json' }], environment);
