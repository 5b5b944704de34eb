import { credentialInvalid, type WhyRefused } from './credential-errors.ts';
import type { OidcConfig } from './environment.ts';

/** Who has signed in, as the issuer says. It says nothing of whether the directory has such a user. */
export interface VerifiedToken {
  /** Who it is to the issuer. */
  readonly subject: string;
  readonly issuer: string;
  /** The user's id in decimal, when a claim is configured that has it. */
  readonly userId?: string;
  /** The email address, when the issuer has verified it. */
  readonly email?: string;
  /** From when on the token is refused, with the leeway, in milliseconds since 1970. */
  readonly expiresMs: number;
  /** When it was issued, in milliseconds since 1970; absent when it does not say. */
  readonly issuedMs?: number;
}

type Claims = ReadonlyMap<string, unknown>;

const maxUint64 = 0xffff_ffff_ffff_ffffn;

/** The end of the year 9999: nothing later is a time, and no sum with it loses its milliseconds. */
const maxSeconds = 253_402_300_799;

/**
 * Checks the claims of a token whose signature is verified.
 *
 * @throws RpcError CREDENTIAL_INVALID
 * @see https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
 * @see https://www.rfc-editor.org/rfc/rfc9068#section-4
 */
export function checkClaims(claims: Claims, config: OidcConfig, nowMs: number): VerifiedToken {
  if (claims.get('iss') !== config.issuer) throw credentialInvalid('its issuer is another');
  if (!isMeantFor(claims.get('aud'), config.audiences)) throw credentialInvalid('its audience is another');
  const times = checkTimes(claims, config.leewaySeconds * 1000, nowMs);
  const subject = claims.get('sub');
  if (!isText(subject, 255)) throw credentialInvalid('its subject is missing or no subject');
  const userId = config.userIdClaim === undefined ? undefined : userIdOf(claims.get(config.userIdClaim));
  const email = verifiedEmail(claims);
  if (userId === undefined && email === undefined) throw credentialInvalid(whyNoAddress(claims));
  return Object.freeze({
    subject,
    issuer: config.issuer,
    ...(userId === undefined ? {} : { userId }),
    ...(email === undefined ? {} : { email }),
    ...times,
  });
}

function isMeantFor(aud: unknown, audiences: readonly string[]): boolean {
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return named.every((each) => typeof each === 'string') && named.some((each) => audiences.includes(each));
}

function checkTimes(claims: Claims, leewayMs: number, nowMs: number): Pick<VerifiedToken, 'expiresMs' | 'issuedMs'> {
  const exp = millisecondsOf(claims.get('exp'));
  if (exp === undefined) throw credentialInvalid('its expiry is missing or no time');
  if (nowMs >= exp + leewayMs) throw credentialInvalid('it has expired');
  if (claims.has('nbf')) {
    const nbf = millisecondsOf(claims.get('nbf'));
    if (nbf === undefined) throw credentialInvalid('its start is no time');
    if (nowMs < nbf - leewayMs) throw credentialInvalid('it is not valid yet');
  }
  const iat = millisecondsOf(claims.get('iat'));
  if (claims.has('iat')) {
    if (iat === undefined) throw credentialInvalid('its time of issue is no time');
    if (nowMs < iat - leewayMs) throw credentialInvalid('it was issued in the future');
  }
  return { expiresMs: exp + leewayMs, ...(iat === undefined ? {} : { issuedMs: iat }) };
}

/** Seconds since 1970, which may have a fraction: RFC 7519, section 2. JSON.parse reads 1e999 as Infinity. */
function millisecondsOf(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= maxSeconds ? Math.floor(value * 1000) : undefined;
}

/** Text that can be stored, compared and shown: Unicode without control characters. */
function isText(value: unknown, maxLength: number): value is string {
  return (
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= maxLength &&
    value.isWellFormed() &&
    !/\p{Cc}/u.test(value)
  );
}

function userIdOf(value: unknown): string {
  // A whole number beyond 2^53 has lost its last digits when JSON.parse has read it.
  const text = Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== 'string' || !/^[1-9]\d{0,19}$/.test(text) || BigInt(text) > maxUint64)
    throw credentialInvalid('its user id is missing or no user id');
  return text;
}

/** Some issuers say it in another way, or not at all; OIDC_USER_ID_CLAIM is there for them. */
function whyNoAddress(claims: Claims): WhyRefused {
  if (!claims.has('email')) return 'it has no email address';
  return claims.get('email_verified') === 'true'
    ? 'its email_verified is the text "true", and has to be the value true'
    : 'it has no verified email address';
}

/** @returns undefined when there is none, or the issuer does not say that it is verified */
function verifiedEmail(claims: Claims): string | undefined {
  const email = claims.get('email');
  return claims.get('email_verified') === true && isText(email, 254) ? email : undefined;
}
