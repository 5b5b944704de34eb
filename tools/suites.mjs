import { commandFailed, forgetResults, readResults, summarize, withSecondRun } from './test-results.mjs';
import { run } from './toolchain.mjs';

/**
 * Runs suites of vitest one after the other, and ends with their summary.
 *
 * @param {readonly { name: string; project: string; args: readonly string[]; results: string }[]} suites where `results` is the
 * file that the project's configuration names
 * @param {Readonly<Record<string, string | undefined>>} env
 */
export async function runSuites(suites, env) {
  const runs = [];
  for (const { name, project, args, results: path } of suites) {
    console.log(`── ${name}`);
    forgetResults(project, path);
    const code = await run('vitest', ['run', ...args, `--outputFile.results=${path}`], { cwd: project, env });
    const results = readResults(project, path);
    if (results === undefined) runs.push(commandFailed(name, `vitest ended with ${code}: see its output`));
    else {
      const failed = results.files.some(({ failed: failures }) => failures.length > 0);
      runs.push({ ...(await withSecondRun(project, results, { args, env })), name });
      if (code !== 0 && !failed) runs.push(commandFailed(name, `vitest ended with ${code}: see its output`));
    }
  }
  summarize(runs);
}
