// npm run test:engines: builds, and runs the storage suites over a real PostgreSQL, with all kills and at full length.
// It fails without one. It has to be root, for one of its tests mounts a disk that is soon full.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, ensureInstalled, environment, root, run } from './toolchain.mjs';

await ensureInstalled();
await build();

const env = {
  ...environment,
  CRASH_ROUNDS: environment.CRASH_ROUNDS ?? '20',
  OUTAGE_MS: environment.OUTAGE_MS ?? '30000',
};
const project = join(root, 'apps/user-service');
const suites = [
  { name: 'PostgreSQL', args: ['--config', 'vitest.engines.ts'], results: '.test/engines.json' },
  {
    name: 'SQLite: kills',
    args: ['test/crash.spec.ts', '--outputFile.json=.test/crash.json'],
    results: '.test/crash.json',
  },
];

let code = 0;
let passed = 0;
let failed = 0;
for (const { name, args, results } of suites) {
  console.log(`── ${name}`);
  code ||= await run('vitest', ['run', ...args], { cwd: project, env });
  const { numPassedTests, numFailedTests, success } = JSON.parse(readFileSync(join(project, results), 'utf8'));
  passed += numPassedTests;
  failed += numFailedTests === 0 && !success ? 1 : numFailedTests;
}
if (code === 0 && passed === 0) code = 1;
if (code !== 0 && failed === 0) failed = 1;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = code;
