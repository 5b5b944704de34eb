export {
  rollcallContract,
  tutorialChatServerContract,
  tutorialUserManagerContract,
  tutorialUserServiceContract,
} from './contracts.ts';

export * as access from './gen/types/rollcall/access/v1/access_service.ts';
export * as callers from './gen/types/rollcall/access/v1/caller_service.ts';
export * as audit from './gen/types/rollcall/audit/v1/audit_service.ts';
export * as chat from './gen/types/rollcall/chat/v1/chat_service.ts';
export * as user from './gen/types/rollcall/user/v1/user.ts';
export * as userService from './gen/types/rollcall/user/v1/user_service.ts';
export * as tutorialUserManager from './gen/types/tutorial/user_manager.ts';
export * as tutorialUserService from './gen/types/tutorial/user_service.ts';
export * as tutorialChatServer from './gen/types/tutorial/chat_server.ts';
export type { Timestamp } from './gen/types/google/protobuf/timestamp.ts';

/** The option that says who may call a method. */
export { access as accessOption } from './gen/codecs/rollcall/user/v1/access_pb.ts';
export { ErrorReason, ErrorReasonSchema } from './gen/codecs/rollcall/type/v1/error_reason_pb.ts';
