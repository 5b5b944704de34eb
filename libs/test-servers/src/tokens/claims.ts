import { signToken } from './signed-tokens.ts';
import { each, type Make, type TokenMaterial, type Tokens } from './token-maker.ts';

/** An issuer, an audience or a subject that is wrong. */
export function wrongClaims({ issuer, audience, claims }: TokenMaterial, make: Make): Tokens {
  const text = String(claims['sub']);
  return {
    ...each(
      'iss',
      [
        undefined,
        null,
        '',
        `${issuer}/`,
        issuer.toUpperCase(),
        issuer.replace(/^https?/, (scheme) => scheme.toUpperCase()),
        `${issuer}.attacker.example`,
        `${issuer}?`,
        ` ${issuer}`,
        issuer.slice(0, -1),
        [issuer],
        { issuer },
        7,
      ],
      (iss) => make({ iss }),
    ),
    ...each(
      'aud',
      [
        undefined,
        null,
        '',
        [],
        'https://other.example',
        ['https://other.example', 'https://another.example'],
        audience.toUpperCase(),
        `${audience}/`,
        `https://other.example,${audience}`,
        audience.slice(0, -1),
        [[audience]],
        [audience, 7],
        [audience, null],
        { aud: audience },
        7,
      ],
      (aud) => make({ aud }),
    ),
    ...each(
      'sub',
      [undefined, null, '', 7, true, [text], { sub: text }, `${text}\u0000`, `${text}\n`, '\ud800'],
      (sub) => make({ sub }),
    ),
    'sub of 256 characters': make({ sub: 's'.repeat(256) }),
  };
}

/** Times that have passed, have not come, or are none. */
export function wrongTimes({ rsa, claims, now, leeway, margin }: TokenMaterial, make: Make): Tokens {
  const { exp: _, ...rest } = claims;
  const endless = JSON.stringify(rest).replace(/\}$/, ',"exp":1e999}');
  return {
    'expired just beyond the leeway': make({ exp: now - leeway - margin + 1 }),
    'expired a day ago': make({ exp: now - 86_400 }),
    'valid from just beyond the leeway': make({ nbf: now + leeway + margin }),
    'valid from tomorrow': make({ nbf: now + 86_400 }),
    'issued just beyond the leeway': make({ iat: now + leeway + margin }),
    'issued tomorrow': make({ iat: now + 86_400 }),
    ...each(
      'exp',
      [undefined, null, '', String(now + 3600), new Date((now + 3600) * 1000), [now + 3600], true, {}, 0, -1, 1e300],
      (exp) => make({ exp }),
    ),
    'exp in milliseconds': make({ exp: (now + 3600) * 1000 }),
    'exp without end': signToken({ alg: 'RS256', kid: rsa.kid }, endless, rsa.privateKey, 'RS256'),
    ...each('nbf', [null, '', String(now - 60), [now - 60], false, {}, -1], (nbf) => make({ nbf })),
    ...each('iat', [null, '', String(now - 60), [now - 60], false, {}, -1], (iat) => make({ iat })),
  };
}
