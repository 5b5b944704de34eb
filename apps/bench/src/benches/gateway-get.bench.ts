import type { Bench } from '../measure/bench.ts';
import { compareGateways } from '../gateway/comparison.ts';
import { getRandomUser } from '../gateway/users.ts';

/** GET of one user by id. */
export const gatewayGet: Bench = {
  name: 'gateway-get',
  summary:
    'GET of one user over REST: a bare monolith, gateway and service by the book, and ours without batched calls and with them',
  run: (options) => compareGateways('gateway-get', options, () => getRandomUser(), []),
};
