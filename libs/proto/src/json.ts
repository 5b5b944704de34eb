/** Messages as REST sends and takes them, for programs that hold JSON alone, such as the page. No code comes with it. */
export type {
  CreateInvitationResponseJson,
  GetCallerResponseJson,
} from './gen/json/rollcall/access/v1/access_service_pb.ts';
export type {
  GapJson,
  ListNotesResponseJson,
  ListRoomsResponseJson,
  MemberJson,
  NoteJson,
  RoomEventJson,
  RoomJson,
  SendNoteRequestJson,
} from './gen/json/rollcall/chat/v1/chat_service_pb.ts';
export type { ErrorReasonJson } from './gen/json/rollcall/type/v1/error_reason_pb.ts';
export type { UserJson, UserTypeJson } from './gen/json/rollcall/user/v1/user_pb.ts';
export type {
  ImportConflictJson,
  ImportResultJson,
  ListUsersResponseJson,
  WatchEventJson,
} from './gen/json/rollcall/user/v1/user_service_pb.ts';
