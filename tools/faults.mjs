// npm run test:faults: builds, and runs the faults of Nest's own transport and the attacks on the running system, at full size.
// ATTACK_MS, ATTACK_ROUNDS, ATTACK_RATIO and ATTACK_GROWTH_MIB make the attacks shorter and their bounds wider; FAULTS=attacks runs them alone.
import { join } from 'node:path';
import { runSuites } from './suites.mjs';
import { build, ensureInstalled, environment, root } from './toolchain.mjs';

await ensureInstalled();
await build();

const env = {
  ...environment,
  ATTACK_MS: environment.ATTACK_MS ?? '10000',
  ATTACK_ROUNDS: environment.ATTACK_ROUNDS ?? '5',
};
const suites = [
  {
    name: 'transport',
    project: join(root, 'libs/grpc'),
    args: ['--config', 'vitest.faults.ts'],
    results: '.test/faults.json',
  },
  {
    name: 'batching',
    project: join(root, 'libs/grpc-batching'),
    args: ['--config', 'vitest.faults.ts'],
    results: '.test/faults.json',
  },
  {
    name: 'attacks',
    project: join(root, 'apps/e2e'),
    args: ['--config', 'vitest.attacks.ts'],
    results: '.test/attacks.json',
  },
];
await runSuites(
  suites.filter(({ name }) => (env.FAULTS ?? name) === name),
  env,
);
