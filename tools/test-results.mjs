// What runs of vitest left in `.test/` (see vitest.reporter.ts), and the summary that `npm test` and `npm run test:engines` end with.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { environment, run } from './toolchain.mjs';

/**
 * @typedef {{ name: string; error: string }} Failure
 * @typedef {{ file: string; passed: number; failed: Failure[]; flaky?: string[] }} FileResults
 * @typedef {{ name: string; files: FileResults[] }} Results of one run of vitest
 */

const logs = '.test/logs';

/** Forgets the last run. */
export function forgetResults(project, path = '.test/results.json') {
  rmSync(join(project, path), { force: true });
}

/** Forgets what tests and their processes have written. */
export function forgetLogs(project) {
  rmSync(join(project, logs), { recursive: true, force: true });
}

/** What tests and their processes have written, which is not shown when they pass. @returns {string[]} */
export function readLogs(project) {
  const folder = join(project, logs);
  return existsSync(folder) ? readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8')) : [];
}

/** @returns {Results | undefined} what a run left; nothing when it was not asked to run, or did not come to its end */
export function readResults(project, path = '.test/results.json') {
  try {
    return { name: basename(project), files: JSON.parse(readFileSync(join(project, path), 'utf8')) };
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  }
}

/**
 * On a machine of CI that others keep busy, runs the spec files with failures once more, alone. The second run counts; what
 * failed in the first one only is called flaky.
 */
export async function withSecondRun(project, results, { args = [], env = environment } = {}) {
  const again = results.files.filter(({ failed }) => failed.length > 0);
  if (process.env.CI === undefined || again.some(({ file }) => !file.endsWith('.spec.ts')) || again.length === 0)
    return results;
  console.log(`── once more, alone: ${again.map(({ file }) => file).join(' ')}`);
  const path = '.test/again.json';
  forgetResults(project, path);
  const names = again.map(({ file }) => file);
  await run('vitest', ['run', ...args, ...names, '--maxWorkers=1', `--outputFile.results=${path}`], {
    cwd: project,
    env,
  });
  const second = readResults(project, path);
  const files = results.files.map((first) => {
    const last = second?.files.find(({ file }) => file === first.file);
    if (first.failed.length === 0 || last === undefined) return first;
    const failsAgain = ({ name }) => last.failed.some((failure) => failure.name === name);
    return { ...last, flaky: first.failed.filter((failure) => !failsAgain(failure)).map(({ name }) => name) };
  });
  return { ...results, files };
}

/** A command that failed, as results. */
export function commandFailed(name, error) {
  return { name, files: [{ file: '', passed: 0, failed: [{ name: '', error }] }] };
}

const listed = 8;
const lines = (text, many) =>
  text
    .split('\n')
    .slice(0, many)
    .map((line) => `    ${line.slice(0, 200)}`)
    .join('\n');

/** Prints what was flaky and what failed, and the sum as the last line, and sets the exit code. */
export function summarize(runs) {
  const failures = [];
  let passed = 0;
  console.log('── summary');
  for (const { name, files } of runs)
    for (const { file, passed: here, failed, flaky = [] } of files) {
      const path = (test) => [name, file, test].filter(Boolean).join(' > ');
      passed += here;
      for (const test of flaky) console.log(`flaky: ${path(test)}`);
      for (const { name: test, error } of failed) failures.push(`failed: ${path(test)}\n${lines(error, 3)}`);
    }
  for (const failure of failures.slice(0, listed)) console.log(failure);
  if (failures.length > listed) console.log(`… and ${failures.length - listed} more failed`);
  if (failures.length === 0 && passed === 0) console.log('failed: no test ran');
  const failed = Math.max(failures.length, passed === 0 ? 1 : 0);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
