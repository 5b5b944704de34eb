/** The service whose streams carry calls: proto/rollcall/transport/v1/packed_calls.proto. */
export const carryPath = '/rollcall.transport.v1.PackedCallsService/Carry';
