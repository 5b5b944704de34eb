import { project } from '../vitest.project.ts';

/** npm run test:packages */
export default project(import.meta.url, {
  include: ['packages/test/**/*.spec.ts'],
  globalSetup: ['packages/test/set-up.ts'],
  testTimeout: 120_000,
});
