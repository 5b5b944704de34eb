import { createPublicKey } from 'node:crypto';
import { newKey, signToken } from './signed-tokens.ts';
import { each, publicJwk, type Make, type TokenMaterial, type Tokens } from './token-maker.ts';

/** Keys that are not the issuer's, however they are named or brought along. */
export function wrongKeys({ rsa, ec, claims, attackerUrl }: TokenMaterial, make: Make): Tokens {
  const attacker = newKey(rsa.kid, 'rsa');
  const attackerEc = newKey(ec.kid, 'ec');
  const own = (header: Readonly<Record<string, unknown>>): string => make({}, header, attacker.privateKey);
  const jwk = publicJwk(attacker.privateKey);
  // No certificate: whoever reads it as one has already gone too far.
  const x5c = [createPublicKey(attacker.privateKey).export({ type: 'spki', format: 'der' }).toString('base64')];
  return {
    'another key under the same id': own({}),
    'another EC key under the same id': signToken(
      { alg: 'ES256', kid: ec.kid },
      claims,
      attackerEc.privateKey,
      'ES256',
    ),
    'another key under no id': own({ kid: undefined }),
    'no key id, with several keys': make({}, { kid: undefined }),
    ...each(
      'kid',
      [
        '',
        'unknown',
        '../../../../../../dev/null',
        '/proc/sys/kernel/randomize_va_space',
        "' OR '1'='1",
        '__proto__',
        'constructor',
        `${rsa.kid} `,
        `${rsa.kid}\u0000`,
        rsa.kid.toUpperCase(),
        0,
        null,
        true,
        [rsa.kid],
        { kid: rsa.kid },
      ],
      (kid) => make({}, { kid }),
    ),
    'kid of 4000 characters': make({}, { kid: 'k'.repeat(4000) }),
    'jku that names keys of its own': own({ jku: attackerUrl }),
    'jku, with a key id of its own': own({ jku: attackerUrl, kid: 'attacker' }),
    'jku within the issuer': own({ jku: `${attackerUrl}#.well-known/jwks.json` }),
    'x5u that names a certificate of its own': own({ x5u: attackerUrl }),
    'x5u, with a key id of its own': own({ x5u: attackerUrl, kid: 'attacker' }),
    'jwk with a key of its own': own({ jwk }),
    'jwk, with a key id of its own': own({ jwk: { ...jwk, kid: 'attacker' }, kid: 'attacker' }),
    'jwk, without a key id': own({ jwk, kid: undefined }),
    'x5c with a key of its own': own({ x5c }),
    'x5c, without a key id': own({ x5c, kid: undefined }),
  };
}
