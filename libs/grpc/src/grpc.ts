export { type Admission, type Authorize, type IncomingCall } from './authorization.ts';
export { endOfServer } from './call-ends.ts';
export { CallContext, currentCall, outsideOfCalls, requestIdOf } from './call-context.ts';
export { CallLogger } from './call-logger.ts';
export { callableMethod, GrpcChannel, type GrpcChannelOptions } from './channel.ts';
export { type CallableMethod, type CallOptions } from './outgoing.ts';
export { batches, emit, type Opener, pulled, reportPressure, values } from './demand.ts';
export {
  type Environment,
  isLoopback,
  readListen,
  readLogLevels,
  readProtectedMode,
  readSwitch,
} from './environment.ts';
export { errorFromStatus, statusOf } from './error-status.ts';
export { GrpcController } from './grpc-controller.ts';
export { GrpcServer, type GrpcServerOptions, type ServedContract } from './grpc-server.ts';
export { encodedForm } from './served-method.ts';
export { serves } from './healthcheck.ts';
export { readDrainMs, readServerLimits, readWhole } from './server-environment.ts';
export { defaultLimits, type ServerLimits } from './server-limits.ts';
export { ListenError } from './listen-error.ts';
export { mapInOrder } from './map-in-order.ts';
export { type PackedCallOptions } from './packed-channel.ts';
export type { PackedCallLimits } from './carrier.ts';
export { batchServer } from './packed-calls.ts';
export { batchClient } from './packed-request.ts';
export type { PluginHost, PluginStreams, ServerPlugin } from './server-plugin.ts';
export type { CallPlainly, ChannelPlugin, UnaryCalls } from './unary-calls.ts';
export { PassOnFilter } from './pass-on.filter.ts';
export { type Listening, runApp, type RunningApp } from './run-app.ts';
export { removeStaleSocket } from './stale-socket.ts';
export { readServiceTls, readTls } from './tls-environment.ts';
export { type TlsConfig, TlsFiles, type TlsMaterial } from './tls-files.ts';
export {
  type ErrorDetails,
  type FieldViolation,
  invalidFields,
  type Reason,
  RpcError,
  withMetadata,
} from './rpc-error.ts';
