import { user } from '@rollcall/proto';
import { EMPTY, firstValueFrom, type Observable, of } from 'rxjs';
import { ask } from '../rollcall.ts';
import { by, type SignedIn } from '../sign-in.ts';

/** A call that is right in all but who makes it. */
export interface Prepared {
  /** What goes over gRPC: a request, or a stream of them. */
  readonly message: object | Observable<object>;
  /** What goes over HTTP: what stands in the template's place, and the body. */
  readonly path: string;
  readonly body?: object | undefined;
  /** A credential of the same caller that the call may use up. */
  readonly credential?: string | undefined;
}

/** Whom a call is about, and who makes it. */
export interface Subject {
  /** The record. */
  readonly id: string;
  /** Whether it will be carried out: what it takes is made only then. */
  readonly permitted: boolean;
  /** Makes another credential of the caller. */
  readonly another: () => Promise<string>;
}

type Prepare = (system: SignedIn, subject: Subject) => Promise<Prepared> | Prepared;

const emptyList = { pageSize: 1, pageToken: '', filter: '', orderBy: '', showDeleted: false, showTotal: false };
let count = 0;
const freshName = (): string => `n${(count += 1)}`;
const freshUser = (fields: object = {}) => ({
  id: '0',
  name: freshName(),
  email: '',
  type: user.UserType.USER_TYPE_NORMAL,
  createTime: null,
  updateTime: null,
  deleteTime: null,
  purgeTime: null,
  etag: '',
  ...fields,
});
const health: Prepare = () => ({ message: { service: '' }, path: '' });
const reflection: Prepare = () => ({ message: of({ host: '', listServices: '' }), path: '' });
const byId: Prepare = (_, { id }) => ({ message: { id }, path: `/v1/users/${id}` });
const idStream =
  (path: string): Prepare =>
  (_, { id }) => ({ message: of({ id }), path, body: { id } });

async function deleted({ newUser, users, administrator }: SignedIn, permitted: boolean): Promise<string> {
  if (!permitted) return '1';
  const id = await newUser();
  await firstValueFrom(users.deleteUser({ id, etag: '' }, by(administrator)));
  return id;
}

/** How each RPC is called, by its path. */
export const requests: Readonly<Record<string, Prepare>> = {
  '/rollcall.user.v1.UserService/CreateUser': () => ({
    message: { user: freshUser(), requestId: '' },
    path: '/v1/users',
    body: { name: freshName() },
  }),
  '/rollcall.user.v1.UserService/GetUser': byId,
  '/rollcall.user.v1.UserService/ListUsers': () => ({ message: emptyList, path: '/v1/users?pageSize=1' }),
  '/rollcall.user.v1.UserService/UpdateUser': (_, { id }) => ({
    message: { user: freshUser({ id, type: user.UserType.USER_TYPE_UNSPECIFIED }), updateMask: ['name'] },
    path: `/v1/users/${id}`,
    body: { name: freshName() },
  }),
  '/rollcall.user.v1.UserService/DeleteUser': async ({ newUser }, { permitted, id }) => {
    const subject = permitted ? await newUser() : id;
    return { message: { id: subject, etag: '' }, path: `/v1/users/${subject}` };
  },
  '/rollcall.user.v1.UserService/UndeleteUser': async (system, { permitted }) => {
    const subject = await deleted(system, permitted);
    return { message: { id: subject, etag: '' }, path: `/v1/users/${subject}:undelete`, body: {} };
  },
  '/rollcall.user.v1.UserService/BatchGetUsers': (_, { id }) => ({
    message: { ids: [id] },
    path: `/v1/users:batchGet?ids=${id}`,
  }),
  '/rollcall.user.v1.UserService/CountExistingUsers': idStream('/v1/users:countExisting'),
  '/rollcall.user.v1.UserService/LookupUsers': idStream('/v1/users:lookup'),
  '/rollcall.user.v1.UserService/ExportUsers': () => ({
    message: { types: [], afterId: '0', filter: '' },
    path: '/v1/users:export',
  }),
  '/rollcall.user.v1.UserService/ImportUsers': () => ({
    message: of({ user: freshUser(), users: [], afterRow: '0', requestId: '', dryRun: true }),
    path: '/v1/users:import?dryRun=true',
    body: { name: freshName() },
  }),
  '/rollcall.user.v1.UserService/WatchUsers': () => ({
    message: { snapshot: true, filter: '', resumeToken: '' },
    path: '/v1/users:watch?snapshot=true',
  }),
  '/rollcall.access.v1.AccessService/GetCaller': () => ({ message: {}, path: '/v1/caller' }),
  '/rollcall.access.v1.AccessService/CreateSession': async (system, { permitted }) => {
    const secret = permitted ? await invitation(system) : `rcl_${'a'.repeat(43)}`;
    return { message: { secret }, path: '/v1/sessions', body: { secret } };
  },
  '/rollcall.access.v1.AccessService/DeleteSession': async (_, { permitted, another }) => ({
    message: {},
    path: '/v1/sessions/current',
    credential: permitted ? await another() : undefined,
  }),
  '/rollcall.access.v1.AccessService/CreateInvitation': (_, { id }) => ({
    message: { userId: id, validDays: 1 },
    path: `/v1/users/${id}/invitations`,
    body: { validDays: 1 },
  }),
  '/rollcall.access.v1.AccessService/CreateToken': (_, { id }) => {
    const name = freshName();
    return { message: { userId: id, name, validDays: 1 }, path: `/v1/users/${id}/tokens`, body: { name } };
  },
  '/rollcall.access.v1.AccessService/ListTokens': (_, { id }) => ({
    message: { userId: id },
    path: `/v1/users/${id}/tokens`,
  }),
  '/rollcall.access.v1.AccessService/DeleteToken': async ({ access, administrator }, { id, permitted }) => {
    const name = freshName();
    if (permitted) {
      await firstValueFrom(access.createToken({ userId: id, name, validDays: 1 }, by(administrator)));
    }
    return { message: { userId: id, name }, path: `/v1/users/${id}/tokens/${name}` };
  },
  '/rollcall.access.v1.AccessService/ListSessions': (_, { id }) => ({
    message: { userId: id },
    path: `/v1/users/${id}/sessions`,
  }),
  '/rollcall.access.v1.AccessService/RevokeSession': async ({ access, administrator }, { id, permitted }) => {
    const name = permitted ? await sessionOf(access, administrator, id) : '0'.repeat(16);
    return { message: { userId: id, name }, path: `/v1/users/${id}/sessions/${name}` };
  },
  '/rollcall.access.v1.AccessService/RevokeCredentials': (_, { id }) => ({
    message: { userId: id },
    path: `/v1/users/${id}:revokeCredentials`,
    body: {},
  }),
  '/rollcall.access.v1.AccessService/CreateTicket': () => ({ message: {}, path: '/v1/tickets', body: {} }),
  '/rollcall.audit.v1.AuditService/ListAuditEntries': () => ({
    message: { pageSize: 1, pageToken: '', callerId: '0', deniedOnly: false },
    path: '/v1/auditEntries?pageSize=1',
  }),
  '/rollcall.access.v1.CallerService/LookUpCallers': () => ({ message: { credentials: ['x'] }, path: '' }),
  '/rollcall.access.v1.CallerService/RedeemTicket': () => ({ message: { ticket: 'x' }, path: '' }),
  '/rollcall.access.v1.CallerService/CheckCall': () => ({
    message: { method: 'rollcall.user.v1.UserService.CreateUser' },
    path: '',
  }),
  '/rollcall.access.v1.CallerService/ReportDenials': () => ({ message: { denials: [] }, path: '' }),
  '/rollcall.access.v1.CallerService/ReportWrite': () => ({
    message: { callerId: '1', credential: 'token', address: 'unix', method: 'x', requestId: 'x', note: 'x' },
    path: '',
  }),
  '/rollcall.chat.v1.ChatService/SendNote': () => ({
    message: { room: 'rights', message: 'Hello', authorId: '0', noteId: '' },
    path: '/v1/rooms/rights/notes',
    body: { message: 'Hello' },
  }),
  '/rollcall.chat.v1.ChatService/ListNotes': () => ({
    message: { room: 'rights', pageSize: 1, pageToken: '', beforeSeq: '0' },
    path: '/v1/rooms/rights/notes?pageSize=1',
  }),
  '/rollcall.chat.v1.ChatService/StreamNotes': () => ({
    message: { room: 'rights', presence: false, presentAs: '0' },
    path: '/v1/rooms/rights/notes:stream',
  }),
  '/rollcall.chat.v1.ChatService/ListRooms': () => ({ message: { pageSize: 1, pageToken: '' }, path: '/v1/rooms' }),
  '/rollcall.chat.v1.ChatService/DeleteRoom': async (system, { permitted }) => {
    const room = freshName();
    if (permitted) {
      const headers = { authorization: `Bearer ${system.administrator}`, 'content-type': 'application/json' };
      const body = JSON.stringify({ message: 'Hello' });
      await ask(system.rollcall, `/v1/rooms/${room}/notes`, { verb: 'POST', headers, body });
    }
    return { message: { room }, path: `/v1/rooms/${room}` };
  },
  '/grpc.ChatServer/SendNote': () => ({ message: { name: 'foo', message: 'Hello' }, path: '' }),
  '/grpc.ChatServer/ChatStream': () => ({ message: {}, path: '' }),
  '/UserManager/GetUser': () => ({ message: { id: 1 }, path: '' }),
  '/UserManager/AddUser': () => ({
    message: { id: 1_000_000 + (count += 1), nickname: freshName(), mailAddress: '', userType: 1 },
    path: '',
  }),
  '/UserManager/CountAlreadyUsers': () => ({ message: of({ id: 1 }), path: '' }),
  '/UserManager/GetUsersByType': () => ({ message: { userType: 2 }, path: '' }),
  '/UserManager/GetUsersByIds': () => ({ message: of({ id: 1 }), path: '' }),
  '/UserService/GetUser': () => ({ message: { user: { name: 'Administrator', email: '', age: 0 } }, path: '' }),
  '/UserService/CreateUser': () => ({
    message: { user: { name: freshName(), email: `${freshName()}@example.com`, age: 1 } },
    path: '',
  }),
  '/rollcall.transport.v1.BatchService/Batch': () => ({ message: EMPTY, path: '' }),
  '/grpc.health.v1.Health/Check': health,
  '/grpc.health.v1.Health/List': health,
  '/grpc.health.v1.Health/Watch': health,
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo': reflection,
  '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo': reflection,
};

async function invitation({ access, administrator, newUser }: SignedIn): Promise<string> {
  return linkFor(access, administrator, await newUser());
}

async function linkFor(access: SignedIn['access'], administrator: string, userId: string): Promise<string> {
  const { link } = await firstValueFrom(access.createInvitation({ userId, validDays: 1 }, by(administrator)));
  return link.split('#')[1] ?? '';
}

/** Signs a user in. @returns the name of the session */
async function sessionOf(access: SignedIn['access'], administrator: string, userId: string): Promise<string> {
  const { secret } = await firstValueFrom(
    access.createSession({ secret: await linkFor(access, administrator, userId) }),
  );
  const { sessions } = await firstValueFrom(access.listSessions({ userId }, by(secret)));
  return sessions.find(({ current }) => current)?.name ?? '';
}

/** How each route of the gateway itself is called, where its template does not say it. */
export const pageRequests: Readonly<Record<string, (system: SignedIn) => Promise<{ path: string; body?: object }>>> = {
  'GET /assets/:name': async ({ rollcall }) => ({
    path: /\/assets\/[^"]+/.exec((await ask(rollcall, '/')).text)?.[0] ?? '',
  }),
  'GET /docs/*': () => Promise.resolve({ path: '/docs/' }),
  'GET /sign-in/:name': () => Promise.resolve({ path: '/sign-in/sign-in.js' }),
  'POST /session': async (system) => ({ path: '/session', body: { secret: await invitation(system) } }),
};
