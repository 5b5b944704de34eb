import { project } from '../../vitest.project.ts';

// Attacks by people without a credential, while others work.
export default project(import.meta.url, {
  include: ['test/faults/attacks.spec.ts'],
  outputFile: { results: '.test/attacks.json' },
  silent: false, // it says what it has measured
});
