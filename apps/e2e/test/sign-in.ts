import { randomBytes } from 'node:crypto';
import { Metadata } from '@grpc/grpc-js';
import type { CallOptions } from '@rollcall/grpc';
import { type access, rollcallContract, user, type userService } from '@rollcall/proto';
import { type OpenIdIssuer, startIssuer } from '@rollcall/test-servers';
import { firstValueFrom } from 'rxjs';
import { type Rollcall, startRollcall } from './rollcall.ts';

/** The real processes with sign-in by links and by an issuer, and an administrator who is signed in. */
export interface SignedIn extends AsyncDisposable {
  readonly rollcall: Rollcall;
  readonly issuer: OpenIdIssuer;
  readonly access: access.AccessServiceClient;
  readonly users: userService.UserServiceClient;
  /** The secret of the administrator's session. */
  readonly administrator: string;
  /** Every secret that was handed out. */
  readonly secrets: string[];
  /** Creates a user. @returns the id */
  readonly newUser: (fields?: Partial<user.User>) => Promise<string>;
  /** Makes a token of a user. @returns its secret */
  readonly newToken: (userId: string) => Promise<string>;
  /** Signs a user in by a link. @returns the secret of the session */
  readonly newSession: (userId: string) => Promise<string>;
}

/** The claim that has the id of a user. */
export const userIdClaim = 'rollcall_id';

/** Starts them. */
export async function startSignedIn(env: Record<string, string> = {}): Promise<SignedIn> {
  await using stack = new AsyncDisposableStack();
  const issuer = stack.use(await startIssuer());
  const rollcall = stack.use(
    await startRollcall({
      LOCAL_SIGN_IN: '1',
      OIDC_ISSUER: issuer.issuer,
      OIDC_AUDIENCE: 'rollcall',
      OIDC_USER_ID_CLAIM: userIdClaim,
      ADDRESS_CALLS_PER_SECOND: '100000',
      ADDRESS_CALLS_BURST: '100000',
      ...env,
    }),
  );
  const clients = {
    access: rollcall.client<access.AccessServiceClient>(rollcallContract, 'rollcall.access.v1.AccessService'),
    users: rollcall.client<userService.UserServiceClient>(rollcallContract, 'rollcall.user.v1.UserService'),
  };
  const { secret: administrator } = await firstValueFrom(
    clients.access.createSession({ secret: await printedLink(rollcall) }),
  );
  const secrets = [administrator];
  const owned = stack.move();
  return {
    rollcall,
    issuer,
    ...clients,
    administrator,
    secrets,
    async newUser(fields = {}) {
      const unset = { createTime: null, updateTime: null, deleteTime: null, purgeTime: null, etag: '' };
      const fresh = { id: '0', name: 'Somebody', email: '', type: user.UserType.USER_TYPE_NORMAL, ...unset, ...fields };
      const created = await firstValueFrom(clients.users.createUser({ user: fresh, requestId: '' }, by(administrator)));
      return created.user?.id ?? '';
    },
    async newToken(userId) {
      const name = `t${randomBytes(8).toString('hex')}`;
      const made = await firstValueFrom(clients.access.createToken({ userId, name, validDays: 1 }, by(administrator)));
      secrets.push(made.secret);
      return made.secret;
    },
    async newSession(userId) {
      const { link } = await firstValueFrom(
        clients.access.createInvitation({ userId, validDays: 1 }, by(administrator)),
      );
      const made = await firstValueFrom(clients.access.createSession({ secret: link.split('#')[1] ?? '' }));
      secrets.push(made.secret);
      return made.secret;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The secret of the link that the first start prints, once it has come through the pipe; the test's time limit ends the wait. */
async function printedLink(rollcall: Rollcall): Promise<string> {
  for (;;) {
    const secret = /#(rcl_[\w-]{43})/.exec(rollcall.output())?.[1];
    if (secret !== undefined) return secret;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The option of a call that is made with a credential; without one nobody is signed in. */
export function by(credential: string | undefined): CallOptions {
  const metadata = new Metadata();
  if (credential !== undefined) metadata.set('authorization', `Bearer ${credential}`);
  return { metadata };
}
