import { Authorization, CallerCache, type Denial, localAuthorization } from '@rollcall/access';
import type { Authorize, IncomingCall } from '@rollcall/grpc';
import type { Credentials } from '../store/credentials.ts';
import { byUserId, lookUpCallers, type VerifyToken } from './look-up-callers.ts';
import { isProtected, type SignInConfig } from './sign-in-environment.ts';
import type { SignIn } from './sign-in.ts';

/** The contracts whose clients know no credentials. */
const tutorials = ['UserManager', 'UserService'];

export interface AuthorizeOptions {
  readonly config: SignInConfig;
  readonly credentials: Credentials;
  readonly signIn: SignIn;
  /** Verifies the tokens of the issuer, if there is one. */
  readonly verifyToken: VerifyToken | undefined;
  readonly addressOf: (call: IncomingCall) => string;
  readonly onDenied: (denial: Denial) => void;
}

/** Makes what every call of the service passes. @returns it, and what ends its looking up of callers */
export function authorizeCalls({ config, credentials, signIn, verifyToken, addressOf, onDenied }: AuthorizeOptions): {
  readonly authorize: Authorize;
  readonly close: () => void;
} {
  if (isProtected(config)) return { authorize: localAuthorization(addressOf), close: () => undefined };
  const callers = new CallerCache(lookUpCallers(credentials, verifyToken)).start();
  const { tutorialUserId, limits } = config;
  const standIn =
    tutorialUserId === undefined ? undefined : { credential: byUserId(tutorialUserId), as: 'tutorial' as const };
  const { authorize } = new Authorization({
    callers,
    limits,
    addressOf,
    redeem: signIn.redeem,
    standIn: ({ service }) => (tutorials.includes(service) ? standIn : undefined),
    onDenied,
  });
  return { authorize, close: () => callers.close() };
}
