import { batchClient, batchServer } from '../src/grpc.ts';

/** What makes a shelf service and its client batch unary calls. */
export const batched = { plugins: [batchServer()], unaryCalls: batchClient() };
