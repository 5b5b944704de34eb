import { createHmac, createPublicKey } from 'node:crypto';
import { encodePart, signToken } from './signed-tokens.ts';
import { each, publicJwk, type Make, type TokenMaterial, type Tokens } from './token-maker.ts';

/** Algorithms that are not allowed, or are not those of the key. */
export function wrongAlgorithms({ rsa, ec, claims }: TokenMaterial, make: Make): Tokens {
  const pem = createPublicKey(rsa.privateKey).export({ type: 'spki', format: 'pem' }).toString();
  const pkcs1 = createPublicKey(rsa.privateKey).export({ type: 'pkcs1', format: 'pem' }).toString();
  const jwk = publicJwk(rsa.privateKey);
  const unsigned = (alg: unknown): string => `${encodePart({ alg, kid: rsa.kid })}.${encodePart(claims)}.`;
  const hmac = (bits: number, secret: string | Buffer): string => {
    const text = `${encodePart({ alg: `HS${bits}`, typ: 'JWT', kid: rsa.kid })}.${encodePart(claims)}`;
    return `${text}.${createHmac(`sha${bits}`, secret).update(text).digest('base64url')}`;
  };
  return {
    ...each('alg without signature', ['none', 'None', 'NONE', 'nOnE', 'RS256', '', undefined], unsigned),
    ...each(
      'alg',
      ['none', 'None', '', 'rs256', 'RS256 ', 'RS1', 'ES256K', 'ML-DSA-44', 'dir', ['RS256'], null, 0, undefined],
      (alg) => make({}, { alg }),
    ),
    'HS256 with the public key as PEM': hmac(256, pem),
    'HS256 with the public key as PEM without its last line end': hmac(256, pem.trimEnd()),
    'HS256 with the public key as PKCS1': hmac(256, pkcs1),
    'HS384 with the public key as PEM': hmac(384, pem),
    'HS512 with the public key as PEM': hmac(512, pem),
    'HS256 with the public key as JWK': hmac(256, JSON.stringify({ ...jwk, kid: rsa.kid })),
    'HS256 with the modulus': hmac(256, Buffer.from(String(jwk['n']), 'base64url')),
    'HS256 with nothing': hmac(256, ''),
    'HS256 with the key id': hmac(256, rsa.kid),
    'RS256, and the key is EC': make({}, { kid: ec.kid }),
    'RS256, and key and signature are EC': signToken({ alg: 'RS256', kid: ec.kid }, claims, ec.privateKey, 'ES256'),
    'ES256, and the key is RSA': signToken({ alg: 'ES256', kid: rsa.kid }, claims, ec.privateKey, 'ES256'),
    'ES384, and the key is P-256': signToken({ alg: 'ES384', kid: ec.kid }, claims, ec.privateKey, 'ES384'),
    'EdDSA, and the key is EC': signToken({ alg: 'EdDSA', kid: ec.kid }, claims, ec.privateKey, 'ES256'),
    'PS256 over a signature of RS256': make({}, { alg: 'PS256' }),
    'RS512 over a signature of RS256': make({}, { alg: 'RS512' }),
  };
}
