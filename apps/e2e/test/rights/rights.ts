/**
 * Who may do what: every RPC and every route over HTTP, by eight callers. It is the table that a reader checks; the spec
 * beside it carries out every cell, at both doors.
 */

/** Who calls. `self` and `other` are the same normal user, once about their own record and once about another's. */
export const callers = [
  'anonymous',
  'badToken',
  'expired',
  'disabled',
  'guest',
  'self',
  'other',
  'administrator',
] as const;
export type CallerName = (typeof callers)[number];

/** Done, or not without signing in, or not by this caller. */
export type Verdict = 'ok' | 401 | 403;
export type Rights = Readonly<Record<CallerName, Verdict>>;

function rights(anonymous: Verdict, disabled: Verdict, guest: Verdict, self: Verdict, other: Verdict): Rights {
  return { anonymous, badToken: 401, expired: 401, disabled, guest, self, other, administrator: 'ok' };
}

const everybody = rights('ok', 403, 'ok', 'ok', 'ok');
const readers = rights(401, 403, 'ok', 'ok', 'ok');
const administrators = rights(401, 403, 403, 403, 403);
const members = rights(401, 403, 403, 'ok', 'ok');
/** What the services of the system ask each other. */
const services: Rights = { ...administrators, administrator: 403 };
const ownRecordOfNormal = rights(401, 403, 403, 'ok', 403);
const ownRecord = rights(401, 403, 'ok', 'ok', 403); // a guest calls about their own record here
/** Not an RPC: the gateway's own pages, which are for everybody, whatever is sent along. */
const page: Rights = { ...everybody, badToken: 'ok', expired: 'ok', disabled: 'ok' };

/** Every RPC, by its path. */
export const rpcRights: Readonly<Record<string, Rights>> = {
  '/rollcall.user.v1.UserService/CreateUser': administrators,
  '/rollcall.user.v1.UserService/GetUser': readers,
  '/rollcall.user.v1.UserService/ListUsers': readers,
  '/rollcall.user.v1.UserService/UpdateUser': ownRecordOfNormal,
  '/rollcall.user.v1.UserService/DeleteUser': administrators,
  '/rollcall.user.v1.UserService/UndeleteUser': administrators,
  '/rollcall.user.v1.UserService/BatchGetUsers': readers,
  '/rollcall.user.v1.UserService/CountExistingUsers': readers,
  '/rollcall.user.v1.UserService/ExportUsers': readers,
  '/rollcall.user.v1.UserService/LookupUsers': readers,
  '/rollcall.user.v1.UserService/ImportUsers': administrators,
  '/rollcall.user.v1.UserService/WatchUsers': readers,
  '/rollcall.access.v1.AccessService/GetCaller': everybody,
  '/rollcall.access.v1.AccessService/CreateSession': everybody,
  '/rollcall.access.v1.AccessService/DeleteSession': readers,
  '/rollcall.access.v1.AccessService/ListSessions': ownRecord,
  '/rollcall.access.v1.AccessService/RevokeSession': ownRecord,
  '/rollcall.access.v1.AccessService/CreateInvitation': administrators,
  '/rollcall.access.v1.AccessService/CreateToken': ownRecord,
  '/rollcall.access.v1.AccessService/ListTokens': ownRecord,
  '/rollcall.access.v1.AccessService/DeleteToken': ownRecord,
  '/rollcall.access.v1.AccessService/RevokeCredentials': ownRecord,
  '/rollcall.access.v1.AccessService/CreateTicket': readers,
  '/rollcall.audit.v1.AuditService/ListAuditEntries': administrators,
  '/rollcall.access.v1.CallerService/LookUpCallers': services,
  '/rollcall.access.v1.CallerService/RedeemTicket': services,
  '/rollcall.access.v1.CallerService/CheckCall': administrators, // as the method that it asks about: CreateUser
  '/rollcall.access.v1.CallerService/ReportDenials': services,
  '/rollcall.access.v1.CallerService/ReportWrite': services,
  '/rollcall.chat.v1.ChatService/SendNote': members,
  '/rollcall.chat.v1.ChatService/ListNotes': readers,
  '/rollcall.chat.v1.ChatService/StreamNotes': readers,
  '/rollcall.chat.v1.ChatService/ListRooms': readers,
  '/rollcall.chat.v1.ChatService/DeleteRoom': administrators,
  '/grpc.ChatServer/SendNote': members,
  '/grpc.ChatServer/ChatStream': readers,
  '/UserManager/GetUser': readers,
  '/UserManager/AddUser': administrators,
  '/UserManager/CountAlreadyUsers': readers,
  '/UserManager/GetUsersByType': readers,
  '/UserManager/GetUsersByIds': readers,
  '/UserService/GetUser': readers,
  '/UserService/CreateUser': administrators,
  '/rollcall.transport.v1.BatchService/Batch': everybody, // a stream without a call in it
  '/grpc.health.v1.Health/Check': everybody,
  '/grpc.health.v1.Health/List': everybody,
  '/grpc.health.v1.Health/Watch': everybody,
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo': readers,
  '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo': readers,
};

/** Every route over HTTP, by its verb and template. */
export const routeRights: Readonly<Record<string, Rights>> = {
  'POST /v1/users': administrators,
  'GET /v1/users/{id}': readers,
  'GET /v1/users': readers,
  'PATCH /v1/users/{user.id}': ownRecordOfNormal,
  'DELETE /v1/users/{id}': administrators,
  'POST /v1/users/{id}:undelete': administrators,
  'GET /v1/users:batchGet': readers,
  'POST /v1/users:batchGet': readers,
  'POST /v1/users:countExisting': readers,
  'GET /v1/users:export': readers,
  'POST /v1/users:lookup': readers,
  'POST /v1/users:import': administrators,
  'GET /v1/users:watch': readers,
  'GET /v1/caller': everybody,
  'POST /v1/sessions': everybody,
  'DELETE /v1/sessions/current': readers,
  'GET /v1/users/{user_id}/sessions': ownRecord,
  'DELETE /v1/users/{user_id}/sessions/{name}': ownRecord,
  'POST /v1/users/{user_id}/invitations': administrators,
  'POST /v1/users/{user_id}/tokens': ownRecord,
  'GET /v1/users/{user_id}/tokens': ownRecord,
  'DELETE /v1/users/{user_id}/tokens/{name}': ownRecord,
  'POST /v1/users/{user_id}:revokeCredentials': ownRecord,
  'POST /v1/tickets': readers,
  'GET /v1/auditEntries': administrators,
  'POST /v1/rooms/{room}/notes': members,
  'GET /v1/rooms/{room}/notes': readers,
  'GET /v1/rooms/{room}/notes:stream': readers,
  'GET /v1/rooms': readers,
  'DELETE /v1/rooms/{room}': administrators,
};

/** Every route of the gateway itself. */
export const pageRights: Readonly<Record<string, Rights>> = {
  'GET /healthz': page,
  'GET /readyz': page,
  'GET /openapi.json': page,
  'GET /docs': page,
  'GET /docs/*': page,
  'GET /': page,
  'GET /assets/:name': page,
  'GET /sign-in': page,
  'GET /sign-in/:name': page,
  'POST /session': everybody,
  'DELETE /session': page,
};
