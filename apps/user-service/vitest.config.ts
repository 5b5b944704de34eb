import { project } from '../../vitest.project.ts';

export default project(import.meta.url, {
  testTimeout: 60_000,
  exclude: ['test/system/**'], // see vitest.engines.ts
});
