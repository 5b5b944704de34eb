// npm run test:engines: builds, and runs the storage suites over a real PostgreSQL and a real NATS server, with all kills and
// at full length. It fails without them. It has to be root, for one of its tests mounts a disk that is soon full.
import { join } from 'node:path';
import { runSuites } from './suites.mjs';
import { build, ensureInstalled, environment, root } from './toolchain.mjs';

await ensureInstalled();
await build();

const env = {
  ...environment,
  CRASH_ROUNDS: environment.CRASH_ROUNDS ?? '20',
  OUTAGE_MS: environment.OUTAGE_MS ?? '30000',
};
const users = join(root, 'apps/user-service');
const chat = join(root, 'apps/chat-service');
const stories = join(root, 'apps/e2e');
const suites = [
  { name: 'PostgreSQL', project: users, args: ['--config', 'vitest.engines.ts'], results: '.test/engines.json' },
  {
    name: 'SQLite: kills',
    project: users,
    args: ['test/crash.spec.ts'],
    results: '.test/crash.json',
  },
  { name: 'NATS', project: chat, args: ['--config', 'vitest.engines.ts'], results: '.test/engines.json' },
  { name: 'NATS: outage', project: stories, args: ['--config', 'vitest.engines.ts'], results: '.test/engines.json' },
];

await runSuites(suites, env);
