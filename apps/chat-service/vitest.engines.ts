import { project } from '../../vitest.project.ts';

// The same suites over a real NATS server, and what only that has to show. It is found on the PATH, or where Debian has it.
export default project(import.meta.url, {
  include: ['test/**/*.spec.ts'],
  exclude: [
    'test/log/sqlite-log.spec.ts',
    'test/presence/local-presence.spec.ts',
    'test/notes/told.spec.ts',
    'test/nats/nats-environment.spec.ts',
  ],
  globalSetup: ['test/engines-setup.ts'],
  outputFile: { results: '.test/engines.json' },
});
