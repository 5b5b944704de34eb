/** The service whose streams carry calls: proto/rollcall/transport/v1/packed_calls.proto. */
export const packedCallsService = 'rollcall.transport.v1.PackedCallsService';
export const carryPath = `/${packedCallsService}/Carry`;
