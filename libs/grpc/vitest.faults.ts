import { project } from '../../vitest.project.ts';

// The faults that take many rows, much memory or a long wait to show, at their full size.
process.env['FAULTS_READERS'] ??= '100';
process.env['FAULTS_ROWS'] ??= '200000';
process.env['FAULTS_MESSAGES_READ'] ??= '250';
process.env['FAULTS_STOCK_ROWS'] ??= '50000';
process.env['FAULTS_MESSAGES'] ??= '20000';
process.env['FAULTS_STOCK_MESSAGES'] ??= '4000';
process.env['FAULTS_OWN_DRAIN'] ??= '1';
process.env['FAULTS_CALLS'] ??= '200000';
export default project(import.meta.url, {
  include: ['test/faults/memory.spec.ts', 'test/faults/sigterm.spec.ts'],
  outputFile: { results: '.test/faults.json' },
  testTimeout: 300_000,
  maxWorkers: 1, // one figure at a time
});
