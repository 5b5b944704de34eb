import { encodePart, signature } from './signed-tokens.ts';
import { parts, type Make, type TokenMaterial, type Tokens } from './token-maker.ts';

/** Signatures that are not of the text, or are none. */
export function wrongSignatures({ rsa, ec, claims }: TokenMaterial, make: Make): Tokens {
  const good = make({});
  const [header, payload, end] = parts(good);
  const bytes = Buffer.from(end, 'base64url');
  const flipped = Buffer.from(bytes);
  flipped[100] = (flipped[100] ?? 0) ^ 1;
  const text = `${encodePart({ alg: 'ES256', kid: ec.kid })}.${encodePart(claims)}`;
  const es256 = signature('ES256', ec.privateKey, text);
  const withEnd = (start: string, signed: Uint8Array): string => `${start}.${encodePart(signed)}`;
  const rsaEnd = (signed: Uint8Array): string => withEnd(`${header}.${payload}`, signed);
  // Of a valid ES256 signature neither half is 0 or the order of the curve: CVE-2022-21449.
  const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
  return {
    'RS256 signature with one bit changed': rsaEnd(flipped),
    'RS256 signature of zeros': rsaEnd(Buffer.alloc(bytes.length)),
    'RS256 signature a byte short': rsaEnd(bytes.subarray(1)),
    'RS256 signature a byte long': rsaEnd(Buffer.concat([Buffer.alloc(1), bytes])),
    'RS256 signature of one byte': rsaEnd(Buffer.alloc(1)),
    'ES256 signature of zeros': withEnd(text, Buffer.alloc(64)),
    'ES256 signature of the order of the curve': withEnd(text, Buffer.concat([order, order])),
    'ES256 signature whose second half is zero': withEnd(
      text,
      Buffer.concat([es256.subarray(0, 32), Buffer.alloc(32)]),
    ),
    'ES256 signature a byte short': withEnd(text, es256.subarray(0, 63)),
    'ES256 signature a byte long': withEnd(text, Buffer.concat([es256, Buffer.alloc(1)])),
    'ES256 signature in DER': withEnd(
      text,
      Buffer.concat([
        Buffer.from('30440220', 'hex'),
        es256.subarray(0, 32),
        Buffer.from('0220', 'hex'),
        es256.subarray(32),
      ]),
    ),
    'claims changed after the signature': [header, encodePart({ ...claims, sub: 'somebody-else' }), end].join('.'),
    'header changed after the signature': [encodePart({ alg: 'RS256', kid: rsa.kid }), payload, end].join('.'),
    'signature of another token': [header, payload, parts(make({ jti: 'another' }))[2]].join('.'),
  };
}
