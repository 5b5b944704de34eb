import type { Bench } from '../measure/bench.ts';
import { compareGateways } from '../gateway/comparison.ts';
import { createNextUser } from '../gateway/users.ts';

const notes = [
  'Every variant answers when the user is on the disk (WAL, synchronous=FULL). monolith and by-the-book commit each user alone; plain and rollcall commit in one transaction what arrives together.',
];

/** Creation of a user. */
export const gatewayCreate: Bench = {
  name: 'gateway-create',
  summary: 'creation of a user over REST: the same variants',
  run: (options) => compareGateways('gateway-create', options, createNextUser, notes),
};
