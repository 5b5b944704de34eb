import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import type { InlineConfig } from 'vitest/node';
import { ResultsReporter } from './vitest.reporter.ts';

/** The test configuration that every project shares. Results go to `.test/` for the summary of `npm test`. */
export function project(url: string, test: InlineConfig = {}) {
  return defineConfig({
    root: fileURLToPath(new URL('./', url)),
    ssr: { resolve: { conditions: ['@rollcall/source', 'module', 'node'] } },
    // Tests lie outside of tsconfig's `include`, where the transformer would find this.
    oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
    resolve: { conditions: ['@rollcall/source'] },
    test: {
      include: ['test/**/*.spec.ts'],
      reporters: ['default', new ResultsReporter()],
      outputFile: { results: '.test/results.json' },
      silent: 'passed-only', // the output is about the tests
      maxWorkers: 2,
      hookTimeout: 60_000,
      testTimeout: 60_000, // for a busy machine: what waits for an event ends with it
      ...test,
    },
  });
}
