export { type Contract, readContract } from './contract.ts';
export {
  rollcallContract,
  tutorialChatServerContract,
  tutorialUserManagerContract,
  tutorialUserServiceContract,
} from './contracts.ts';
export { type HttpBinding, type Method, type MethodKind, methodsOf } from './method-table.ts';
export { codecsOf, type MethodCodec } from './codecs.ts';
export { generatorOptions, loaderOptions } from './codec-options.ts';
export { isPlainInteger, parseInteger, parseTimestamp, type Seconds } from './proto-json/grammar.ts';
export { ExactNumber, fieldNamed, isJsonMembers, type Json, type JsonMembers } from './proto-json/json.ts';
export { ProtoJsonError, readProtoJson, type UnreadableField } from './proto-json/read-message.ts';
export { describeField, readEnum, readScalar, type Scalar } from './proto-json/read-scalar.ts';
export { isCertainlyValid } from './certainly-valid.ts';
export { largestMessage } from './largest-message.ts';
export { hasRules, validate } from './validate.ts';
export type { Violation } from './violation.ts';

export * as access from './gen/types/rollcall/access/v1/access_service.ts';
export * as callers from './gen/types/rollcall/access/v1/caller_service.ts';
export * as audit from './gen/types/rollcall/audit/v1/audit_service.ts';
export * as chat from './gen/types/rollcall/chat/v1/chat_service.ts';
export * as user from './gen/types/rollcall/user/v1/user.ts';
export * as userService from './gen/types/rollcall/user/v1/user_service.ts';
export * as tutorialUserManager from './gen/types/tutorial/user_manager.ts';
export * as tutorialUserService from './gen/types/tutorial/user_service.ts';
export * as tutorialChatServer from './gen/types/tutorial/chat_server.ts';
export * as health from './gen/types/grpc/health/v1/health.ts';
export * as reflection from './gen/types/grpc/reflection/v1/reflection.ts';
export type { Timestamp } from './gen/types/google/protobuf/timestamp.ts';

/** The option that says who may call a method. */
export { access as accessOption } from './gen/codecs/rollcall/user/v1/access_pb.ts';
export { ErrorReason, ErrorReasonSchema } from './gen/codecs/rollcall/type/v1/error_reason_pb.ts';
export { Cursor, cursor } from './gen/codecs/rollcall/type/v1/cursor_pb.ts';
export { item_body as itemBody } from './gen/codecs/rollcall/type/v1/item_body_pb.ts';
export { FieldBehavior, field_behavior as fieldBehavior } from './gen/codecs/google/api/field_behavior_pb.ts';
export { StatusSchema } from './gen/codecs/google/rpc/status_pb.ts';
export { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from './gen/codecs/google/rpc/error_details_pb.ts';
