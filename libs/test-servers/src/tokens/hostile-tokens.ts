import { wrongAlgorithms } from './algorithms.ts';
import { wrongClaims, wrongTimes } from './claims.ts';
import { wrongForms } from './forms.ts';
import { wrongHeaders } from './headers.ts';
import { wrongKeys } from './keys.ts';
import { wrongPayloads } from './payloads.ts';
import { wrongSignatures } from './signatures.ts';
import { padded, publicJwk, type TokenMaterial, tokenMaker, type Tokens } from './token-maker.ts';
import { wrongUsers } from './users.ts';
import { newKey, signToken } from './signed-tokens.ts';

export type { TokenMaterial };

export interface NamedToken {
  /** What is wrong with it, or unusual. */
  readonly name: string;
  /** Some hold characters that no header of HTTP can carry. */
  readonly token: string;
}

/** Tokens that nobody may accept, each wrong in one thing alone: all else in them is as it should be. */
export function hostileTokens(material: TokenMaterial): NamedToken[] {
  const make = tokenMaker(material);
  const tokens = {
    ...wrongAlgorithms(material, make),
    ...wrongKeys(material, make),
    ...wrongSignatures(material, make),
    ...wrongHeaders(material, make),
    ...wrongForms(material, make),
    ...wrongPayloads(material),
    ...wrongClaims(material, make),
    ...wrongTimes(material, make),
    ...wrongUsers(material, make),
  };
  return named(tokens);
}

/** Tokens that must be accepted: each stands at a limit, or has what is not usual and not wrong. */
export function acceptedTokens(material: TokenMaterial): NamedToken[] {
  const make = tokenMaker(material);
  const { rsa, ec, now, leeway, margin, audience, attackerUrl, userIdClaim, claims } = material;
  const attacker = newKey(rsa.kid, 'rsa');
  const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'].map((alg): [string, string] => [
    `signed with ${alg}`,
    signToken({ alg, kid: rsa.kid }, claims, rsa.privateKey, alg),
  ]);
  const users: Tokens =
    userIdClaim === undefined
      ? { 'with an email address and a name': make({ name: 'Ada' }) }
      : {
          'user id: the largest': make({ [userIdClaim]: '18446744073709551615' }),
          'user id: a number': make({ [userIdClaim]: 7 }),
          'user id: the email address not verified': make({ email: 'ada@example.com', email_verified: false }),
        };
  return named({
    'as it should be': make({}),
    ...Object.fromEntries(algorithms),
    'signed with ES256': signToken({ alg: 'ES256', kid: ec.kid }, claims, ec.privateKey, 'ES256'),
    'without typ': make({}, { typ: undefined }),
    'typ at+jwt': make({}, { typ: 'at+jwt' }),
    'typ in upper case': make({}, { typ: 'AT+JWT' }),
    'typ application/at+jwt': make({}, { typ: 'application/at+jwt' }),
    'ours among the audiences': make({ aud: ['https://other.example', audience] }),
    'expired, just within the leeway': make({ exp: now - leeway + margin }),
    'valid from the end of the leeway': make({ nbf: now + leeway }),
    'issued at the end of the leeway': make({ iat: now + leeway }),
    'times with fractions': make({ exp: now + 60.5, nbf: now - 0.5, iat: now - 0.25 }),
    'without iat and nbf': make({ iat: undefined, nbf: undefined }),
    'subject of 255 characters': make({ sub: 's'.repeat(255) }),
    'subject in another script': make({ sub: 'アダ' }),
    'jku, x5u, jwk and x5c, which do not count': make(
      {},
      { jku: attackerUrl, x5u: attackerUrl, jwk: publicJwk(attacker.privateKey), x5c: ['AAAA'] },
    ),
    'a header parameter that nobody knows': make({}, { zzz: { a: [1] } }),
    'names that repeat in separate objects': make({ address: { country: 'a' }, work: { country: 'b' } }),
    'names in text': make({ note: '{"sub":1,"sub":2}' }),
    '8192 characters': padded(make, 8192),
    ...users,
  });
}

function named(tokens: Tokens): NamedToken[] {
  return Object.entries(tokens).map(([name, token]) => ({ name, token }));
}
