import { project } from '../../vitest.project.ts';

// The same suites over a real PostgreSQL, and what only that has to show. It is found on the PATH, or where Debian has it.
export default project(import.meta.url, {
  include: ['test/**/*.spec.ts'],
  exclude: ['test/store/sqlite.spec.ts', 'test/query/**', 'test/config.spec.ts'],
  globalSetup: ['test/engines-setup.ts'],
  outputFile: { results: '.test/engines.json' },
});
