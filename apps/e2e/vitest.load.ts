import { project } from '../../vitest.project.ts';

// The load story at its full size.
process.env['LOAD_USERS'] ??= '100000';
export default project(import.meta.url, { include: ['test/load.spec.ts'], outputFile: { json: '.test/load.json' } });
