import {
  type CallerLimits,
  readCallerLimits,
  readPublicUrl,
  readServiceTokenFile,
  readTrustedProxies,
  readTutorialUserId,
  type TrustedProxies,
} from '@rollcall/access';
import { type Environment, readSwitch, readWhole } from '@rollcall/environment';
import { user } from '@rollcall/proto';
import { userViolations } from '../users/checks.ts';
import { type OidcConfig, readOidc } from './oidc/environment.ts';

/** Who may call, and how they sign in. */
export interface SignInConfig {
  /** The issuer whose tokens are accepted, if any. */
  readonly oidc: OidcConfig | undefined;
  /** Whether users sign in by links. */
  readonly links: boolean;
  /** How long a session lasts, in milliseconds. */
  readonly sessionMs: number;
  /** Whether a link for the administrator is printed also when one is signed in. */
  readonly administratorLink: boolean;
  /** Under which address browsers reach the gateway, without a slash at the end. */
  readonly publicUrl: string;
  /** The user that the tutorials' clients act as, which know no credentials; undefined when nobody. */
  readonly tutorialUserId: string | undefined;
  /** The email address of the administrator that a directory without one is given; empty when it is not known. */
  readonly firstAdministratorEmail: string;
  /** Where the token stands that other services call with. */
  readonly serviceTokenFile: string;
  readonly limits: CallerLimits;
  /** Who may name the address of a caller. */
  readonly trustedProxies: TrustedProxies;
}

const dayMs = 24 * 60 * 60 * 1000;
const defaultSessionDays = 30;
const maxSessionDays = 400;

/** Reads who may call. @throws Error that names the variable whose value is wrong */
export function readSignIn(env: Environment): SignInConfig {
  return Object.freeze({
    oidc: readOidc(env),
    links: readSwitch(env, 'LOCAL_SIGN_IN'),
    administratorLink: readSwitch(env, 'ADMINISTRATOR_LINK'),
    sessionMs: readWhole(env, 'SESSION_DAYS', defaultSessionDays, maxSessionDays) * dayMs,
    publicUrl: readPublicUrl(env),
    tutorialUserId: readTutorialUserId(env),
    firstAdministratorEmail: readEmail(env),
    serviceTokenFile: readServiceTokenFile(env),
    limits: readCallerLimits(env),
    trustedProxies: readTrustedProxies(env),
  });
}

/** Without a way to sign in, whoever is on this machine is the administrator. */
export function isProtected({ oidc, links }: SignInConfig): boolean {
  return oidc === undefined && !links;
}

/** Whether an issuer says by a user's email address who it is. */
export function addressesSignIn({ oidc }: SignInConfig): boolean {
  return oidc !== undefined && oidc.userIdClaim === undefined;
}

function readEmail(env: Environment): string {
  const value = env['FIRST_ADMINISTRATOR_EMAIL'] || '';
  if (userViolations(firstAdministrator(value)).length > 0)
    throw new Error(`FIRST_ADMINISTRATOR_EMAIL: "${value}" is no email address`);
  return value;
}

/** Who is made when nobody is there to make anybody. */
export function firstAdministrator(email: string): user.User {
  return {
    id: '0',
    name: 'Administrator',
    email,
    type: user.UserType.USER_TYPE_ADMINISTRATOR,
    createTime: null,
    updateTime: null,
    deleteTime: null,
    purgeTime: null,
    etag: '',
  };
}
