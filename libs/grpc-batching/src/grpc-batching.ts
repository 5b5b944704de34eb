/** Many unary calls in one message of a stream: a plug-in of both sides of libs/grpc. */
export type { BatchClientOptions } from './client/batching-channel.ts';
export type { BatchServerLimits } from './server/batch-server.ts';
export { batchServer } from './server/batch-servers.ts';
export { batchClient } from './client/batched-request.ts';
