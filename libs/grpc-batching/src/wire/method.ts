/** The service whose streams carry calls: proto/rollcall/transport/v1/batching.proto. */
export const batchPath = '/rollcall.transport.v1.BatchService/Batch';
