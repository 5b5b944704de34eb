import { type AccessRule, accessRuleOf, bearerOf, type Caller, callerOf } from '@rollcall/access';
import { type CallContext, GrpcController } from '@rollcall/grpc';
import { type access, rollcallContract, user } from '@rollcall/proto';
import { hashOfSecret } from '../store/credentials/secrets.ts';
import { isProtected, type SignInConfig } from './environment.ts';
import { sessionName, SignIn } from './sign-in.ts';
import { Tokens } from './tokens.ts';
import type { Credential } from '../store/credentials/reads.ts';
import { toTimestamp } from '../store/users/rows.ts';
import { Users } from '../users/users.ts';

/** How one signs in here. */
export class SignInModes {
  readonly protectedMode: boolean;
  readonly localSignIn: boolean;
  readonly oidcIssuer: string;

  constructor(config: SignInConfig) {
    this.protectedMode = isProtected(config);
    this.localSignIn = config.links;
    this.oidcIssuer = config.oidc?.issuer ?? '';
  }
}

@GrpcController(rollcallContract, 'rollcall.access.v1.AccessService')
export class AccessController implements access.AccessServiceController {
  readonly #signIn: SignIn;
  readonly #tokens: Tokens;
  readonly #users: Users;
  readonly #modes: SignInModes;

  constructor(signIn: SignIn, tokens: Tokens, users: Users, modes: SignInModes) {
    this.#signIn = signIn;
    this.#tokens = tokens;
    this.#users = users;
    this.#modes = modes;
  }

  async getCaller(_: access.GetCallerRequest, context: CallContext): Promise<access.GetCallerResponse> {
    const caller = callerOf(context);
    const { protectedMode, localSignIn, oidcIssuer } = this.#modes;
    return {
      user: await this.#userOf(caller),
      protectedMode,
      localSignIn,
      oidcIssuer,
      expireTime: caller.expiresMs === Infinity ? null : toTimestamp(BigInt(Math.floor(caller.expiresMs))),
      permittedMethods: methodsWhere((rule) => rule?.anyone === true || rule?.types.has(caller.type) === true),
      ownRecordMethods: methodsWhere((rule) => rule?.own?.types.has(caller.type) === true),
    };
  }

  async createSession(request: access.CreateSessionRequest): Promise<access.CreateSessionResponse> {
    const begun = { agent: request.agent ?? '', replacedSecret: request.replacedSecret ?? '' };
    const session = await this.#signIn.createSession(request.secret, begun);
    return {
      secret: session.secret,
      expireTime: toTimestamp(session.expireTimeMs),
      user: await this.#users.get(String(session.userId)),
    };
  }

  async deleteSession(_: access.DeleteSessionRequest, context: CallContext): Promise<access.DeleteSessionResponse> {
    const credential = credentialOf(context);
    if (credential !== undefined) await this.#signIn.end(credential);
    return {};
  }

  async listSessions(
    { userId }: access.ListSessionsRequest,
    context: CallContext,
  ): Promise<access.ListSessionsResponse> {
    const credential = credentialOf(context);
    const current = credential === undefined ? '' : sessionName(hashOfSecret(credential));
    const sessions = (await this.#signIn.listSessions(userId)).map(toSession);
    return { sessions: sessions.map((session) => ({ ...session, current: session.name === current })) };
  }

  async revokeSession({ userId, name }: access.RevokeSessionRequest): Promise<access.RevokeSessionResponse> {
    await this.#signIn.revokeSession(userId, name);
    return {};
  }

  async createInvitation(
    { userId, validDays }: access.CreateInvitationRequest,
    context: CallContext,
  ): Promise<access.CreateInvitationResponse> {
    const { link, expireTimeMs } = await this.#signIn.createLink(userId, validDays, credentialOf(context));
    return { link, expireTime: toTimestamp(expireTimeMs) };
  }

  async createToken(
    { userId, name, validDays }: access.CreateTokenRequest,
    context: CallContext,
  ): Promise<access.CreateTokenResponse> {
    const made = await this.#tokens.create(userId, name, validDays, credentialOf(context));
    const times = { createTime: toTimestamp(made.createTimeMs), expireTime: toTimestamp(made.expireTimeMs) };
    return { token: { name, ...times, lastUseTime: null, madeBy: made.madeBy }, secret: made.secret };
  }

  async listTokens({ userId }: access.ListTokensRequest): Promise<access.ListTokensResponse> {
    return { tokens: (await this.#tokens.list(userId)).map(toToken) };
  }

  async deleteToken({ userId, name }: access.DeleteTokenRequest): Promise<access.DeleteTokenResponse> {
    await this.#tokens.revoke(userId, name);
    return {};
  }

  async revokeCredentials({ userId }: access.RevokeCredentialsRequest): Promise<access.RevokeCredentialsResponse> {
    return { revokedCount: await this.#signIn.revokeAll(userId) };
  }

  async createTicket(_: access.CreateTicketRequest, context: CallContext): Promise<access.CreateTicketResponse> {
    const made = await this.#tokens.createTicket(credentialOf(context));
    return { ticket: made.secret, expireTime: toTimestamp(made.expireTimeMs) };
  }

  async #userOf({ userId, credential, type }: Caller): Promise<user.User | null> {
    if (credential === 'local') return localAdministrator;
    return userId === '0' || type === user.UserType.USER_TYPE_UNSPECIFIED ? null : this.#users.get(userId);
  }
}

const localAdministrator: user.User = {
  id: '0',
  name: 'local administrator',
  email: '',
  type: user.UserType.USER_TYPE_ADMINISTRATOR,
  createTime: null,
  updateTime: null,
  deleteTime: null,
  purgeTime: null,
  etag: '',
};

/** Not among them is what carries calls or asks about them, and is none itself. */
function methodsWhere(permitted: (rule: AccessRule | undefined) => boolean): string[] {
  return [...rollcallContract.methods.values()]
    .filter(({ service }) => service.startsWith('rollcall.') && !service.startsWith('rollcall.transport.'))
    .filter(({ service }) => service !== 'rollcall.access.v1.CallerService')
    .filter((method) => permitted(accessRuleOf(method)))
    .map(({ service, name }) => `${service}.${name}`);
}

/** What a call is made with; undefined in protected mode, where what is sent counts for nothing. */
function credentialOf(context: CallContext): string | undefined {
  if (callerOf(context).credential === 'local') return undefined;
  const credential = bearerOf(context.metadata);
  if (credential === undefined) throw new Error('the caller was admitted without a credential');
  return credential;
}

function toToken(row: Credential): access.Token {
  return { name: row.name, ...toTimes(row), madeBy: row.made_by };
}

function toSession(row: Credential): Omit<access.Session, 'current'> {
  return { name: sessionName(row.hash), ...toTimes(row), madeBy: row.made_by, agent: row.agent };
}

function toTimes({ create_time_ms, expire_time_ms, last_use_time_ms }: Credential) {
  return {
    createTime: toTimestamp(create_time_ms),
    expireTime: toTimestamp(expire_time_ms),
    lastUseTime: last_use_time_ms === 0n ? null : toTimestamp(last_use_time_ms),
  };
}
