import { project } from '../../vitest.project.ts';

// The stories that take a real NATS server.
export default project(import.meta.url, {
  include: ['test/faults/nats-outage.spec.ts'],
  outputFile: { results: '.test/engines.json' },
});
