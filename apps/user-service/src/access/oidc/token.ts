import { readCompactToken } from './compact-token.ts';
import { credentialInvalid } from './credential-errors.ts';
import { checkClaims, type VerifiedToken } from './claims.ts';
import type { OidcConfig } from './environment.ts';
import type { OidcIssuer } from './issuer.ts';
import type { SigningKeys } from './signing-keys.ts';
import { parseJsonObject } from './strict-json.ts';

/** How many verified tokens are remembered: a few megabytes of them. */
const usualCached = 4096;

/**
 * Verifies tokens of the issuer: access tokens in the form of a JWT, and ID tokens. It looks at the token and at the
 * issuer's keys alone, and never at the directory, so that its answers take as long whether or not there is such a user.
 */
export class OidcTokens {
  readonly #config: OidcConfig;
  readonly #issuer: OidcIssuer;
  readonly #now: () => number;
  readonly #maxCached: number;
  /** Tokens that were verified with `#cachedFor`, the one that was used last at the end. */
  readonly #cached = new Map<string, VerifiedToken>();
  #cachedFor: SigningKeys | undefined;
  /** Tokens that are being verified: a client that sends many calls at once sends them with one token. */
  readonly #verifying = new Map<string, Promise<VerifiedToken>>();

  /** @param now milliseconds since 1970 */
  constructor(config: OidcConfig, issuer: OidcIssuer, now: () => number = Date.now, maxCached = usualCached) {
    this.#config = config;
    this.#issuer = issuer;
    this.#now = now;
    this.#maxCached = maxCached;
  }

  /**
   * Who has signed in, as the token says.
   *
   * @throws RpcError CREDENTIAL_INVALID when the token is not accepted; its cause says why, for the audit log
   * @throws RpcError UPSTREAM_UNAVAILABLE when the issuer has never given its keys
   */
  async verify(token: string): Promise<VerifiedToken> {
    const cached = this.#take(token);
    if (cached !== undefined) return cached;
    let verifying = this.#verifying.get(token);
    if (verifying === undefined) {
      verifying = this.#verify(token).finally(() => this.#verifying.delete(token));
      this.#verifying.set(token, verifying);
    }
    return verifying;
  }

  async #verify(token: string): Promise<VerifiedToken> {
    const compact = readCompactToken(token);
    const keys = await this.#issuer.keysFor(compact.kid);
    await keys.verify(compact);
    const claims = parseJsonObject(compact.payload);
    if (claims === undefined) throw credentialInvalid('its claims are no JSON object with each name once');
    const verified = checkClaims(claims, this.#config, this.#now());
    this.#put(token, verified, keys);
    return verified;
  }

  #take(token: string): VerifiedToken | undefined {
    this.#forgetOfOtherKeys();
    const verified = this.#cached.get(token);
    if (verified === undefined) return undefined;
    this.#cached.delete(token);
    if (this.#now() >= verified.expiresMs) return undefined;
    this.#cached.set(token, verified);
    return verified;
  }

  #put(token: string, verified: VerifiedToken, keys: SigningKeys): void {
    this.#forgetOfOtherKeys();
    if (keys !== this.#cachedFor) return; // they have changed while it was verified
    this.#cached.set(token, verified);
    if (this.#cached.size > this.#maxCached) this.#cached.delete(this.#cached.keys().next().value ?? '');
  }

  /** The key of a token may have gone. */
  #forgetOfOtherKeys(): void {
    if (this.#cachedFor === this.#issuer.keys) return;
    this.#cachedFor = this.#issuer.keys;
    this.#cached.clear();
  }
}
