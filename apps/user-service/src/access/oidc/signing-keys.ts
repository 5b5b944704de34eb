import { compactVerify, createLocalJWKSet, errors, type JSONWebKeySet } from 'jose';
import { algorithms, type CompactToken } from './compact-token.ts';
import { credentialInvalid } from './credential-errors.ts';

/** How many keys an issuer may have. Two or three are usual. */
const maxKeys = 100;

/** The keys that an issuer signs with, as they stood when they were fetched. */
export class SigningKeys {
  readonly #text: string;
  readonly #count: number;
  readonly #ids: ReadonlySet<unknown>;
  /** Finds the one key whose type, curve, use and algorithm fit a header, and its id when the header has one. */
  readonly #find: ReturnType<typeof createLocalJWKSet>;

  /** @param document a JWK Set @throws Error when it is none */
  constructor(document: unknown) {
    if (!isKeySet(document)) throw new Error('the document of its keys is no JWK Set');
    this.#text = JSON.stringify(document.keys);
    this.#count = document.keys.length;
    this.#ids = new Set(document.keys.map((key) => key.kid));
    this.#find = createLocalJWKSet(document);
  }

  equals(other: SigningKeys | undefined): boolean {
    return other !== undefined && this.#text === other.#text;
  }

  has(kid: string): boolean {
    return this.#ids.has(kid);
  }

  /**
   * Verifies the signature.
   *
   * @throws RpcError CREDENTIAL_INVALID
   * @see https://openid.net/specs/openid-connect-core-1_0.html#RotateSigningKeys a token names its key among several
   */
  async verify({ token, kid }: CompactToken): Promise<void> {
    if (kid === undefined && this.#count > 1) throw credentialInvalid('it names none of several keys');
    if (kid !== undefined && !this.has(kid)) throw credentialInvalid('no key of the issuer has its key id');
    try {
      await compactVerify(token, this.#find, { algorithms: [...algorithms] });
    } catch (error) {
      if (error instanceof errors.JWSSignatureVerificationFailed) throw credentialInvalid('its signature is wrong');
      // None of this type, curve, use and algorithm; several of one id; or one that cannot be used, such as a short RSA key.
      throw credentialInvalid('no key of the issuer fits it');
    }
  }
}

function isKeySet(document: unknown): document is JSONWebKeySet {
  if (typeof document !== 'object' || document === null || !('keys' in document)) return false;
  const { keys } = document;
  return Array.isArray(keys) && keys.length <= maxKeys && keys.every((key) => typeof key === 'object' && key !== null);
}
