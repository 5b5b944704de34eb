import { bearerOf, type Caller, callerOf } from '@rollcall/access';
import { type CallContext, GrpcController } from '@rollcall/grpc';
import { type access, type Method, rollcallContract, user } from '@rollcall/proto';
import { kindOfSecret } from './sign-in/secrets.ts';
import { isProtected, type SignInConfig } from './sign-in/sign-in-environment.ts';
import { SignIn } from './sign-in/sign-in.ts';
import type { Credential } from './store/credentials.ts';
import { toTimestamp } from './store/rows.ts';
import { Users } from './users.ts';

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
  readonly #users: Users;
  readonly #modes: SignInModes;

  constructor(signIn: SignIn, users: Users, modes: SignInModes) {
    this.#signIn = signIn;
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
      permittedMethods: methodsWhere(
        ({ access: rule }) => rule?.anyone === true || rule?.types.has(caller.type) === true,
      ),
      ownRecordMethods: methodsWhere(({ access: rule }) => rule?.own?.types.has(caller.type) === true),
    };
  }

  async createSession({ secret }: access.CreateSessionRequest): Promise<access.CreateSessionResponse> {
    const session = await this.#signIn.createSession(secret);
    return {
      secret: session.secret,
      expireTime: toTimestamp(session.expireTimeMs),
      user: await this.#users.get(String(session.userId)),
    };
  }

  async deleteSession(_: access.DeleteSessionRequest, context: CallContext): Promise<access.DeleteSessionResponse> {
    const credential = bearerOf(context.metadata);
    if (credential !== undefined && kindOfSecret(credential) !== undefined) await this.#signIn.end(credential);
    return {};
  }

  async createInvitation({
    userId,
    validDays,
  }: access.CreateInvitationRequest): Promise<access.CreateInvitationResponse> {
    const { link, expireTimeMs } = await this.#signIn.createLink(userId, validDays);
    return { link, expireTime: toTimestamp(expireTimeMs) };
  }

  async createToken({ userId, name, validDays }: access.CreateTokenRequest): Promise<access.CreateTokenResponse> {
    const { secret, createTimeMs, expireTimeMs } = await this.#signIn.createToken(userId, name, validDays);
    const times = { createTime: toTimestamp(createTimeMs), expireTime: toTimestamp(expireTimeMs) };
    return { token: { name, ...times }, secret };
  }

  async listTokens({ userId }: access.ListTokensRequest): Promise<access.ListTokensResponse> {
    return { tokens: (await this.#signIn.listTokens(userId)).map(toToken) };
  }

  async deleteToken({ userId, name }: access.DeleteTokenRequest): Promise<access.DeleteTokenResponse> {
    await this.#signIn.deleteToken(userId, name);
    return {};
  }

  async revokeCredentials({ userId }: access.RevokeCredentialsRequest): Promise<access.RevokeCredentialsResponse> {
    return { revokedCount: await this.#signIn.revokeAll(userId) };
  }

  async createTicket(_: access.CreateTicketRequest, context: CallContext): Promise<access.CreateTicketResponse> {
    const { userId } = callerOf(context);
    const made = await this.#signIn.createTicket(userId, bearerOf(context.metadata) ?? '');
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

/** Not among them is what carries calls, and is none itself. */
function methodsWhere(permitted: (method: Method) => boolean): string[] {
  return [...rollcallContract.methods.values()]
    .filter(({ service }) => service.startsWith('rollcall.') && !service.startsWith('rollcall.transport.'))
    .filter(permitted)
    .map(({ service, name }) => `${service}.${name}`);
}

function toToken({ name, create_time_ms, expire_time_ms }: Credential): access.Token {
  return { name, createTime: toTimestamp(create_time_ms), expireTime: toTimestamp(expire_time_ms) };
}
