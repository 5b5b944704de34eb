import { signToken } from './signed-tokens.ts';
import { each, type Make, type TokenMaterial, type Tokens } from './token-maker.ts';

/** What does not tell which user it is. */
export function wrongUsers({ rsa, claims, userIdClaim }: TokenMaterial, make: Make): Tokens {
  if (userIdClaim === undefined)
    return {
      ...each('email_verified', [undefined, null, false, 'true', 1, [true], {}], (value) =>
        make({ email_verified: value }),
      ),
      ...each('email', [undefined, null, '', 7, ['ada@example.com'], 'ada@example.com\u0000', '\udc00'], (email) =>
        make({ email }),
      ),
      'email of 255 characters': make({ email: `${'a'.repeat(243)}@example.com` }),
    };
  const { [userIdClaim]: _, ...rest } = claims;
  const raw = (number: string): string => {
    const json = JSON.stringify(rest).replace(/\}$/, `,${JSON.stringify(userIdClaim)}:${number}}`);
    return signToken({ alg: 'RS256', kid: rsa.kid }, json, rsa.privateKey, 'RS256');
  };
  const texts = ['', '0', '-1', '+1', '01', '1.0', '1e3', '0x1', ' 1', '1 ', '1\n', '١', '1,2', '18446744073709551616'];
  const others = [undefined, null, true, [1], { id: 1 }, 0, -1, 1.5, '9'.repeat(21), '9'.repeat(400)];
  return {
    ...each('user id', [...texts, ...others], (id) => make({ [userIdClaim]: id })),
    'user id: a number beyond 2^53': raw('9007199254740993'),
    'user id: a number beyond 2^64': raw('18446744073709551616'),
    'user id: a number without end': raw('1e999'),
    'user id: minus zero': raw('-0'),
  };
}
