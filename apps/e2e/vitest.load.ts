import { project } from '../../vitest.project.ts';

// The load stories at their full size.
process.env['LOAD_USERS'] ??= '100000';
process.env['SLOW_READER_USERS'] ??= '1000000';
process.env['STOPPED_READERS'] ??= '80';
process.env['CHAT_KILLS'] ??= '20';
process.env['CHAT_READERS'] ??= '200';
export default project(import.meta.url, {
  include: [
    'test/load/load.spec.ts',
    'test/load/slow-reader.spec.ts',
    'test/load/stopped-readers.spec.ts',
    'test/faults/chat-kills.spec.ts',
  ],
  outputFile: { results: '.test/load.json' },
  silent: false, // they say what they have measured
});
