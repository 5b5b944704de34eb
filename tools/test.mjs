// npm test: runs every project's tests, and ends with their sum.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureInstalled, root, run } from './toolchain.mjs';

await ensureInstalled();
const projects = [
  ...['libs', 'apps'].flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(root, folder, name))),
  join(root, 'tools'),
];
for (const project of projects) rmSync(join(project, '.test'), { recursive: true, force: true });

let code = await run('nx', [
  'run-many',
  '-t',
  'test',
  '--parallel=1',
  '--output-style=stream',
  ...process.argv.slice(2),
]);

let passed = 0;
let failed = 0;
for (const project of projects) {
  try {
    const { numPassedTests, numFailedTests, numFailedTestSuites, success } = JSON.parse(
      readFileSync(join(project, '.test/results.json'), 'utf8'),
    );
    passed += numPassedTests;
    failed += numFailedTests === 0 && !success ? Math.max(1, numFailedTestSuites) : numFailedTests;
  } catch (error) {
    if (error.code !== 'ENOENT') throw error; // it was not asked to run, or did not get that far, which the exit code tells
  }
}
if (failed > 0 || passed === 0) code = 1;
if (code !== 0 && failed === 0) failed = 1;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = code;
