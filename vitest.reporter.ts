import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Reporter, SerializedError, TestModule, Vitest } from 'vitest/node';

interface Failure {
  name: string;
  error: string;
}

/** What became of a spec file. */
interface FileResults {
  file: string;
  passed: number;
  failed: Failure[];
}

/** Under which the errors stand that vitest cannot tell where they came from. */
const nowhere = '(no file)';

/**
 * Writes what `npm test` and `npm run test:engines` sum up to `.test/`, as `FileResults[]`. Vitest's own JSON leaves out the
 * errors that belong to no test, such as a rejection that nobody handles, and these fail a run as well.
 */
export class ResultsReporter implements Reporter {
  private vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.vitest = vitest;
  }

  /** What tests say is shown when they fail; `npm test` looks for secrets in all of it. */
  onUserConsoleLog({ content }: { readonly content: string }): void {
    const folder = resolve(this.vitest?.config.root ?? '', '.test/logs');
    mkdirSync(folder, { recursive: true });
    appendFileSync(resolve(folder, 'console.log'), content);
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const files = modules.map(resultsOf);
    for (const error of unhandled) {
      const path: unknown = error['VITEST_TEST_PATH'];
      const file = modules.find(({ moduleId }) => moduleId === path)?.relativeModuleId ?? nowhere;
      const failure = failureOf('an error outside of its tests', error);
      const known = files.find((results) => results.file === file);
      if (known === undefined) files.push({ file, passed: 0, failed: [failure] });
      else known.failed.push(failure);
    }
    const { root, outputFile } = this.vitest?.config ?? {};
    if (root === undefined || typeof outputFile !== 'object') throw new Error('outputFile.results is not configured');
    const path = resolve(root, outputFile['results'] ?? '');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, JSON.stringify(files));
  }
}

function resultsOf(module: TestModule): FileResults {
  const failed = module.errors().map((error) => failureOf('the file itself', error));
  for (const suite of module.children.allSuites())
    for (const error of suite.errors()) failed.push(failureOf(suite.fullName, error));
  let passed = 0;
  for (const test of module.children.allTests()) {
    const { state, errors } = test.result();
    if (state === 'passed') passed += 1;
    else if (state !== 'skipped')
      failed.push(failureOf(test.fullName, errors?.[0] ?? { message: 'the test did not come to its end' }));
  }
  return { file: module.relativeModuleId, passed, failed };
}

function failureOf(name: string, { message, stacks, cause }: SerializedError): Failure {
  const at = stacks?.find(({ file }) => file.endsWith('.spec.ts'));
  const where = at === undefined ? '' : `line ${at.line}: `;
  const because = cause === undefined ? '' : `\ncaused by: ${cause.message}`;
  return { name, error: `${where}${message}${because}` };
}
