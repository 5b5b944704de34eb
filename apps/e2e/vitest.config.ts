import { configDefaults } from 'vitest/config';
import { project } from '../../vitest.project.ts';

// The others take a browser and a NATS server: see vitest.page.ts and vitest.engines.ts.
export default project(import.meta.url, {
  exclude: [...configDefaults.exclude, 'test/page/**', 'test/nats-outage.spec.ts'],
});
