import { Authorization, CallerCache, type Denial, localAuthorization, type LookUpCallers } from '@rollcall/access';
import type { Authorize, IncomingCall } from '@rollcall/grpc';
import { standInFor } from './claims.ts';
import { isProtected, type SignInConfig } from './environment.ts';
import type { Tokens } from './tokens.ts';

/** The contracts whose clients know no credentials. */
const tutorials = ['UserManager', 'UserService'];

export interface AuthorizeOptions {
  readonly config: SignInConfig;
  readonly lookUp: LookUpCallers;
  readonly tokens: Tokens;
  readonly addressOf: (call: IncomingCall) => string;
  readonly onDenied: (denial: Denial) => void;
}

/** Makes what every call of the service passes. @returns it, and what ends its looking up of callers */
export function authorizeCalls({ config, lookUp, tokens, addressOf, onDenied }: AuthorizeOptions): {
  readonly authorize: Authorize;
  /** Throws what a call would be answered before its message is read. */
  readonly check: (call: IncomingCall) => Promise<void>;
  readonly close: () => void;
} {
  if (isProtected(config)) {
    const local = localAuthorization(addressOf);
    return { authorize: local, check: async (call) => void (await local(call)), close: () => undefined };
  }
  const callers = new CallerCache(lookUp).start();
  const { tutorialUserId, limits } = config;
  const standIn =
    tutorialUserId === undefined
      ? undefined
      : { credential: standInFor(BigInt(tutorialUserId)), as: 'tutorial' as const };
  const authorization = new Authorization({
    callers,
    limits,
    addressOf,
    redeem: tokens.redeem,
    standIn: ({ service }) => (tutorials.includes(service) ? standIn : undefined),
    onDenied,
  });
  return {
    authorize: authorization.authorize,
    check: (call) => authorization.check(call),
    close: () => callers.close(),
  };
}
