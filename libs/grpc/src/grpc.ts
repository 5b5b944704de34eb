export { type Admission, type Authorize, type IncomingCall } from './server/authorization.ts';
export { endOfServer } from './status/call-errors.ts';
export { CallContext, currentCall, outsideOfCalls, requestIdOf } from './context/call-context.ts';
export { CallLogger } from './server/call-logger.ts';
export { callableMethod, GrpcChannel, type GrpcChannelOptions } from './client/channel.ts';
export { type CallableMethod, type CallOptions } from './client/call-options.ts';
export {
  toBatches,
  emit,
  type Opener,
  fromIterable,
  reportBackpressure,
  toAsyncIterable,
} from './backpressure/backpressure.ts';
export { errorFromStatus, statusOf } from './status/error-status.ts';
export { isSentByServer, markSent } from './status/sent-errors.ts';
export { GrpcController } from './server/grpc-controller.ts';
export { GrpcServer, type GrpcServerOptions, type ServedContract } from './server/grpc-server.ts';
export { encodedForm } from './server/served-method.ts';
export { defaultLimits, type ServerLimits } from './connections/limits.ts';
export { ListenError } from './system/listen-error.ts';
export { mapAsync } from './backpressure/map-async.ts';
export type { PluginHost, PluginStreams, ServerPlugin } from './server/plugin.ts';
export type { CallPlainly, ChannelPlugin, UnaryCalls } from './client/unary-calls.ts';
export { PassOnFilter } from './server/pass-on.filter.ts';
export { removeStaleSocket } from './system/stale-socket.ts';
export { type TlsConfig, TlsFiles, type TlsMaterial } from './security/tls-files.ts';
export { type ErrorDetails, type FieldViolation, invalidFields, RpcError, withMetadata } from './status/rpc-error.ts';
export { type BelowCall, type GrpcJsCall, http2Stream, http2Servers } from './internals/http2-streams.ts';
export { WriteBuffer, WriteBufferBudget } from './backpressure/write-buffer.ts';
export { admit } from './server/authorization.ts';
export { deadlineExceeded, metadataTooLarge, tooManyCalls, endOfParent } from './status/call-errors.ts';
export { metadataBytes, entriesOf } from './context/metadata-size.ts';
export { ServedMethod } from './server/served-method.ts';
export { ServerCall } from './server/server-call.ts';
export { Backend, Backends, type Route } from './client/backends.ts';
export { identity } from './client/client-stream.ts';
export { eachBackend } from './client/each-backend.ts';
export type { OutgoingCall } from './client/call-options.ts';
export { sentByServer } from './internals/status-order.ts';
export { systemContract } from './system/contract.ts';
export * as health from './gen/grpc/health/v1/health.ts';
export type * as reflection from './gen/grpc/reflection/v1/reflection.ts';
