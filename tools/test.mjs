// npm test: runs every project's tests, and ends with what failed and their sum.
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  commandFailed,
  forgetLogs,
  forgetResults,
  readLogs,
  readResults,
  summarize,
  withSecondRun,
} from './test-results.mjs';
import { SecretFinder } from './secrets-in-output.mjs';
import { ensureInstalled, root, runSeen } from './toolchain.mjs';

await ensureInstalled();
const projects = [
  ...['libs', 'apps'].flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(root, folder, name))),
  join(root, 'tools'),
].filter((project) => existsSync(join(project, 'vitest.config.ts')));
for (const project of projects) {
  forgetResults(project);
  forgetLogs(project);
}

const asked = process.argv.slice(2);
const secrets = new SecretFinder();
const nx = ['run-many', '-t', 'test', '--parallel=1', '--output-style=stream', ...asked];
/** Nx ends with a report on itself, and advice: the run is summed up here. */
let reported = false;
const code = await runSeen(
  'nx',
  nx,
  (text) => {
    secrets.look(text);
    const report = text.search(/^ {2}Run duration: /m);
    if (!reported) process.stdout.write(report < 0 ? text : text.slice(0, report));
    reported ||= report >= 0;
  },
  (text) => {
    secrets.look(text);
    process.stderr.write(text);
  },
);

const runs = [];
for (const project of projects) {
  const results = readResults(project);
  if (results !== undefined) runs.push(await withSecondRun(project, results));
  else if (asked.length === 0) runs.push(commandFailed(basename(project), 'left no results: see its output'));
}
for (const project of projects) for (const log of readLogs(project)) secrets.look(log);
const someFailed = runs.some(({ files }) =>
  files.some(({ failed, flaky }) => failed.length > 0 || flaky !== undefined),
);
if (code !== 0 && !someFailed) runs.push(commandFailed('nx', `ended with ${code}: see its output`));
for (const found of secrets.found) runs.push(commandFailed('output', `a secret was written: ${found}`));
summarize(runs);
