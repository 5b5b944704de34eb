import { credentialInvalid } from './credential-errors.ts';
import { parseJsonObject } from './strict-json.ts';

/** The longest token, in characters. Headers of HTTP/2 are not much longer. */
const maxLength = 8192;

/**
 * The algorithms that are taken: asymmetric ones, so that who can check a token cannot make one.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8725#section-3.1
 */
export const algorithms: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

/** What comes beside tokens that grant access, such as logout tokens and security events, has a type of its own. */
const types: readonly string[] = ['jwt', 'at+jwt'];

/** A token of which nothing is verified yet. */
export interface CompactToken {
  readonly token: string;
  readonly alg: string;
  /** The id of the key, when it has one. */
  readonly kid: string | undefined;
  /** The payload, not looked at yet. */
  readonly payload: Uint8Array;
}

/**
 * Reads a token as far as is needed to verify its signature: a JWS in the compact form. Whatever the header says of keys
 * (`jku`, `x5u`, `jwk`, `x5c`) is passed over, for the issuer's keys alone count.
 *
 * @throws RpcError CREDENTIAL_INVALID
 * @see https://www.rfc-editor.org/rfc/rfc7515#section-7.1
 */
export function readCompactToken(token: string): CompactToken {
  if (token.length > maxLength) throw credentialInvalid('it is too long');
  const parts = token.split('.', 6).map(decodeBase64url);
  const [headerBytes, payload, signature] = parts;
  if (parts.length !== 3 || !headerBytes || !payload || !signature)
    throw credentialInvalid('it is not three parts in base64url');
  const header = parseJsonObject(headerBytes);
  if (header === undefined) throw credentialInvalid('its header is no JSON object with each name once');
  // No extension is known here. `b64` is one, and a JWT may not have it: RFC 7797, section 7.
  if (header.has('crit') || header.has('b64')) throw credentialInvalid('its header asks for an extension');
  if (!isAccepted(header.get('typ')) || isNested(header.get('cty'))) throw credentialInvalid('its type is another');
  const alg = header.get('alg');
  if (typeof alg !== 'string' || !algorithms.includes(alg)) throw credentialInvalid('its algorithm is not allowed');
  const kid = header.get('kid');
  if (kid !== undefined && typeof kid !== 'string') throw credentialInvalid('its key id is no text');
  return { token, alg, kid, payload };
}

/** @returns undefined when it is empty, or not what encoding the same bytes gives: one token has one spelling */
function decodeBase64url(part: string): Uint8Array | undefined {
  const bytes = Buffer.from(part, 'base64url');
  return bytes.length > 0 && bytes.toString('base64url') === part ? bytes : undefined;
}

function isAccepted(typ: unknown): boolean {
  return typ === undefined || (typeof typ === 'string' && types.includes(mediaType(typ)));
}

function isNested(cty: unknown): boolean {
  return cty !== undefined && (typeof cty !== 'string' || mediaType(cty) === 'jwt');
}

/** Upper and lower case are the same, and `application/` may be left out: RFC 7515, section 4.1.9. */
function mediaType(value: string): string {
  return value.toLowerCase().replace(/^application\//, '');
}
