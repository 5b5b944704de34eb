import { project } from '../../vitest.project.ts';

process.env['FUZZ_DOCUMENTS'] ??= '200000';
process.env['FUZZ_SEED'] ??= String(Math.floor(Math.random() * 2 ** 32));
export default project(import.meta.url, {
  include: ['test/fuzz/*.spec.ts'],
  outputFile: { results: '.test/fuzz.json' },
  testTimeout: 3_600_000,
});
