import { Metadata } from '@grpc/grpc-js';
import { defaultCallerLimits } from '@rollcall/access';
import type { CallOptions } from '@rollcall/grpc';
import { firstValueFrom } from 'rxjs';
import { type Config, readConfig } from '../../src/config.ts';
import type { Database } from '../../src/store/engine/database.ts';
import type { OidcConfig } from '../../src/access/oidc/environment.ts';
import type { SignInConfig } from '../../src/access/environment.ts';
import type { user } from '@rollcall/proto';
import { type OpenIdIssuer, startIssuer } from '@rollcall/test-servers';
import { newUser, startService } from '../service.ts';

/** The option of a call that is made with a credential. */
export function by(secret: string): CallOptions {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${secret}`);
  return { metadata };
}

/** The secret of a sign-in link. */
export function secretOf(link: string | undefined): string {
  const secret = link?.split('#')[1];
  if (secret === undefined) throw new Error('there is no link');
  return secret;
}

/** Starts the service with local sign-in. The limits are far away, unless the test brings its own. */
export function startWithSignIn(signIn: Partial<SignInConfig> = {}, database?: Database, config: Partial<Config> = {}) {
  const limits = {
    ...defaultCallerLimits,
    callsPerAddress: { perSecond: 10_000, burst: 10_000 },
  };
  const local = readConfig({ LOCAL_SIGN_IN: '1' }).signIn;
  return startService(database, { ...config, signIn: { ...local, limits, ...signIn } });
}

export type SignedInService = Awaited<ReturnType<typeof startWithSignIn>>;

/** Signs the first administrator in. @returns the secret of the session */
export async function administrator(service: SignedInService): Promise<string> {
  const secret = secretOf(await service.firstLink());
  return (await firstValueFrom(service.access.createSession({ secret }))).secret;
}

/** Makes a token of a user. @returns its secret */
export async function tokenOf(
  service: SignedInService,
  asAdministrator: string,
  userId: string,
  name = 'test',
): Promise<string> {
  const made = await firstValueFrom(service.access.createToken({ userId, name, validDays: 1 }, by(asAdministrator)));
  return made.secret;
}

/** Signs a user in by a link. @returns the secret of the session */
export async function sessionOf(service: SignedInService, asAdministrator: string, userId: string): Promise<string> {
  const { link } = await firstValueFrom(service.access.createInvitation({ userId, validDays: 0 }, by(asAdministrator)));
  return (await firstValueFrom(service.access.createSession({ secret: secretOf(link) }))).secret;
}

/** Creates a user on behalf of somebody who may. */
export async function createUserAs(
  { users }: SignedInService,
  secret: string,
  fields: Partial<user.User>,
): Promise<user.User> {
  const { user: created } = await firstValueFrom(
    users.createUser({ user: newUser(fields), requestId: '' }, by(secret)),
  );
  if (created === null) throw new Error('no user was answered');
  return created;
}

/** An issuer, and the service that accepts its tokens beside links. */
export interface WithIssuer extends AsyncDisposable {
  readonly service: SignedInService;
  readonly issuer: OpenIdIssuer;
}

/** Starts both. Addresses say who it is, unless the test says otherwise. */
export async function startWithIssuer(
  oidc: Partial<OidcConfig> = {},
  signIn: Partial<SignInConfig> = {},
): Promise<WithIssuer> {
  await using stack = new AsyncDisposableStack();
  const issuer = stack.use(await startIssuer());
  const config = {
    issuer: issuer.issuer,
    audiences: ['rollcall'],
    userIdClaim: undefined,
    leewaySeconds: 0,
    tokenMs: 0,
  };
  const service = stack.use(await startWithSignIn({ ...signIn, oidc: { ...config, ...oidc } }));
  const owned = stack.move();
  return { service, issuer, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** The claims of somebody whose address the issuer has verified. */
export function verified(email: string, claims: Readonly<Record<string, unknown>> = {}) {
  return { email, email_verified: true, ...claims };
}
