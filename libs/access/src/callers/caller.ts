import { type CallContext, currentCall } from '@rollcall/grpc';
import { user } from '@rollcall/proto';

/** What a caller is known by. */
export type CredentialKind =
  /** A browser's session. */
  | 'session'
  /** A named token of a program. */
  | 'token'
  /** A ticket that opens one stream. */
  | 'ticket'
  /** A token of the OpenID Connect issuer. */
  | 'oidc'
  /** A tutorial's client, which knows no credentials, and acts as a user that the configuration names. */
  | 'tutorial'
  /** A process of the system, such as another service. */
  | 'service'
  /** Protected mode: whoever is on this machine. */
  | 'local';

/** Who makes a call. */
export interface Caller {
  /** The id in the directory; `0` when nobody is signed in, and for the local administrator. */
  readonly userId: string;
  /** The role; unspecified when nobody is signed in. */
  readonly type: user.UserType;
  /** What the caller is known by; empty when nobody is signed in. */
  readonly credential: CredentialKind | '';
  /** When the credential expires, in milliseconds since the epoch; Infinity when it does not, or there is none. */
  readonly expiresMs: number;
  /** Where the caller is: an address, or `unix`. Behind a trusted proxy it is the one that the proxy names. */
  readonly address: string;
}

/** Who makes a call. @throws Error on a server that does not ask */
export function callerOf(context: CallContext): Caller {
  const { caller } = context;
  if (caller === undefined) throw new Error('this server does not ask who calls');
  return caller as Caller; // what Authorization admits calls with
}

/** Who makes the call that the running code works for; undefined outside of calls, and on a server that does not ask. */
export function currentCaller(): Caller | undefined {
  return currentCall()?.caller as Caller | undefined;
}
