import { configDefaults } from 'vitest/config';
import { project } from '../../vitest.project.ts';

// The others take a browser, a NATS server, or a machine of their own: see vitest.page.ts, vitest.engines.ts and
// vitest.attacks.ts.
export default project(import.meta.url, {
  exclude: [
    ...configDefaults.exclude,
    'test/page/**',
    'test/faults/nats-outage.spec.ts',
    'test/faults/attacks.spec.ts',
  ],
});
