import { project } from '../../vitest.project.ts';

// The load stories at their full size.
process.env['LOAD_USERS'] ??= '100000';
process.env['SLOW_READER_USERS'] ??= '1000000';
export default project(import.meta.url, {
  include: ['test/load.spec.ts', 'test/slow-reader.spec.ts'],
  outputFile: { results: '.test/load.json' },
});
