import { createPublicKey, type KeyObject } from 'node:crypto';
import { type NamedKey, signToken } from './signed-tokens.ts';

/** What tokens are made of here. They know nothing of who verifies them. */
export interface TokenMaterial {
  /** The `iss` and the `aud` that are accepted. */
  readonly issuer: string;
  readonly audience: string;
  /** A key of RSA and one of P-256, both among the issuer's, which has more than one; their JWKs have no `alg`. */
  readonly rsa: NamedKey;
  readonly ec: NamedKey;
  /** Claims that are accepted, with `email` and `email_verified`, or with the user's id. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** The claim that has the user's id, when one is configured. */
  readonly userIdClaim?: string | undefined;
  /** What the verifier's clock shows, in seconds since 1970, and how far it lets others be off. */
  readonly now: number;
  readonly leeway: number;
  /** How far beyond the leeway times are, in seconds. One is enough for a clock that stands still. */
  readonly margin: number;
  /** What `jku` and `x5u` name. Nobody may ask there. */
  readonly attackerUrl: string;
}

/** Signs good claims with changes, under a good header with changes; undefined leaves a member out. */
export type Make = (
  claims: Readonly<Record<string, unknown>>,
  header?: Readonly<Record<string, unknown>>,
  key?: KeyObject,
) => string;
/** Tokens by what is wrong with them. */
export type Tokens = Readonly<Record<string, string>>;

/** What makes tokens of the material. */
export function tokenMaker({ rsa, claims: good }: TokenMaterial): Make {
  return (claims, header = {}, key = rsa.privateKey) =>
    signToken({ alg: 'RS256', typ: 'JWT', kid: rsa.kid, ...header }, { ...good, ...claims }, key, 'RS256');
}

/** A token for each value, with a name that shows it. */
export function each(name: string, values: readonly unknown[], make: (value: unknown) => string): Tokens {
  return Object.fromEntries(
    values.map((value) => [`${name}: ${value === undefined ? 'missing' : shown(value)}`, make(value)]),
  );
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 20)}… of ${text.length} characters` : text;
}

/** The public key that belongs to a private one. */
export function publicJwk(key: KeyObject): Record<string, unknown> {
  return { ...createPublicKey(key).export({ format: 'jwk' }) };
}

/** The three parts of a token. */
export function parts(token: string): [string, string, string] {
  const [header = '', payload = '', end = ''] = token.split('.');
  return [header, payload, end];
}

/** A token with a claim that makes it as long as can be, up to a length. */
export function padded(make: Make, length: number): string {
  // Three characters of the claim are four of the token; what is left over goes into the header.
  for (let rest = 0; rest < 9; rest += 1) {
    const header = rest === 0 ? {} : { rest: 'r'.repeat(rest) };
    const empty = make({ padding: '' }, header).length;
    for (let size = Math.floor(((length - empty) * 3) / 4) + 2, tries = 0; tries < 5; size -= 1, tries += 1) {
      const token = make({ padding: 'p'.repeat(size) }, header);
      if (token.length === length) return token;
    }
  }
  throw new Error(`no token has ${length} characters`);
}
