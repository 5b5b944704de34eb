import type { Environment } from '@rollcall/environment';
import { isSecureUrl, secureUrlRule } from './secure-url.ts';

/** Whose tokens are accepted, and how they name a user of the directory. */
export interface OidcConfig {
  /** The issuer, in the very characters that its tokens have in `iss`. */
  readonly issuer: string;
  /** Who the tokens must be meant for: one of these. */
  readonly audiences: readonly string[];
  /** The claim that has the user's id; undefined when the verified email address tells who it is. */
  readonly userIdClaim: string | undefined;
  /** How far the issuer's clock may be off, in seconds. */
  readonly leewaySeconds: number;
  /** How long what such a token makes lasts at the most, in milliseconds: it outlives the token. 0: it makes nothing. */
  readonly tokenMs: number;
}

/**
 * Reads `OIDC_ISSUER`, `OIDC_AUDIENCE`, `OIDC_USER_ID_CLAIM`, `OIDC_LEEWAY_SECONDS` and `OIDC_TOKEN_DAYS`.
 *
 * @returns undefined when none is set: no tokens are accepted then
 * @throws Error that names the variable whose value is wrong
 */
export function readOidc(env: Environment): OidcConfig | undefined {
  const issuer = env['OIDC_ISSUER'];
  if (!issuer) {
    // Who sets one of these expects a sign-in: a service without one must not start.
    for (const name of ['OIDC_AUDIENCE', 'OIDC_USER_ID_CLAIM', 'OIDC_LEEWAY_SECONDS', 'OIDC_TOKEN_DAYS'])
      if (env[name]) throw new Error(`${name}: it is set, and OIDC_ISSUER is not`);
    return undefined;
  }
  // It may have a password in it by mistake, and is not shown.
  if (!isSecureUrl(issuer)) throw new Error(`OIDC_ISSUER: it ${secureUrlRule}`);
  if (issuer.includes('?')) throw new Error('OIDC_ISSUER: it has a query, which an issuer never has');
  return Object.freeze({
    issuer,
    audiences: readAudiences(env),
    userIdClaim: readUserIdClaim(env),
    leewaySeconds: readLeeway(env),
    tokenMs: readTokenDays(env) * 24 * 60 * 60 * 1000,
  });
}

function readAudiences(env: Environment): readonly string[] {
  const value = env['OIDC_AUDIENCE'];
  if (!value) throw new Error('OIDC_AUDIENCE: it must be set with OIDC_ISSUER, to whom the tokens are meant for');
  const audiences = value.split(',').map((audience) => audience.trim());
  if (audiences.includes('')) throw new Error(`OIDC_AUDIENCE: "${value}" has an empty part`);
  return Object.freeze([...new Set(audiences)]);
}

function readUserIdClaim(env: Environment): string | undefined {
  const value = env['OIDC_USER_ID_CLAIM'] || undefined;
  if (value !== undefined && !/^[\x21-\x7e]{1,255}$/.test(value))
    throw new Error(`OIDC_USER_ID_CLAIM: "${value}" is no name of a claim, such as sub or https://example.com/user_id`);
  return value;
}

function readLeeway(env: Environment): number {
  const value = env['OIDC_LEEWAY_SECONDS'] || '30';
  if (!/^\d{1,3}$/.test(value) || Number(value) > 300)
    throw new Error(`OIDC_LEEWAY_SECONDS: "${value}" is no whole number from 0 to 300`);
  return Number(value);
}

function readTokenDays(env: Environment): number {
  const value = env['OIDC_TOKEN_DAYS'] || '0';
  if (!/^\d{1,3}$/.test(value) || Number(value) > 400)
    throw new Error(`OIDC_TOKEN_DAYS: "${value}" is no whole number from 0 to 400`);
  return Number(value);
}
