import { project } from '../../vitest.project.ts';

// The page in a real Chromium: Debian's package of that name, or what CHROMIUM names.
export default project(import.meta.url, {
  include: ['test/page/**/*.spec.ts'],
  outputFile: { results: '.test/page.json' },
  expect: { poll: { timeout: 20_000, interval: 50 } },
});
