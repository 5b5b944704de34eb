import { project } from '../../vitest.project.ts';

// What needs a NATS server: it is found on the PATH, or where Debian has it.
export default project(import.meta.url, {
  include: ['test/nats/**/*.spec.ts'],
  outputFile: { results: '.test/engines.json' },
});
