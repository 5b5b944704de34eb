// npm run test:page: builds, and runs the stories of the page in a real Chromium: Debian's package, or what CHROMIUM names.
// It fails without one.
import { join } from 'node:path';
import { commandFailed, forgetResults, readResults, summarize, withSecondRun } from './test-results.mjs';
import { build, ensureInstalled, environment, root, run } from './toolchain.mjs';

await ensureInstalled();
await build();

const project = join(root, 'apps/e2e');
const path = '.test/page.json';
const args = ['--config', 'vitest.page.ts'];
forgetResults(project, path);
const code = await run('vitest', ['run', ...args, ...process.argv.slice(2)], { cwd: project });
const results = readResults(project, path);
const runs = [];
if (results === undefined) runs.push(commandFailed('page', `vitest ended with ${code}: see its output`));
else {
  const failed = results.files.some(({ failed: failures }) => failures.length > 0);
  runs.push({ ...(await withSecondRun(project, results, { args, env: environment })), name: 'page' });
  if (code !== 0 && !failed) runs.push(commandFailed('page', `vitest ended with ${code}: see its output`));
}
summarize(runs);
