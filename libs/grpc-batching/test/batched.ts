import { batchClient } from '../src/client/batched-request.ts';
import { batchServer } from '../src/server/batch-servers.ts';

/** What makes a shelf service and its client batch unary calls. */
export const batched = { plugins: [batchServer()], unaryCalls: batchClient() };
