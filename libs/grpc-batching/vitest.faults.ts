import { project } from '../../vitest.project.ts';

// The storm at its full size.
process.env['FAULTS_CALLS'] ??= '200000';
export default project(import.meta.url, {
  include: ['test/storm.spec.ts'],
  outputFile: { results: '.test/faults.json' },
  testTimeout: 300_000,
  maxWorkers: 1,
});
