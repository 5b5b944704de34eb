import { encodePart, type Part, signature, signToken } from './signed-tokens.ts';
import { each, type Make, type TokenMaterial, type Tokens } from './token-maker.ts';

/** Headers that ask for what nobody offers, or that readers could read in two ways. */
export function wrongHeaders({ rsa, claims }: TokenMaterial, make: Make): Tokens {
  const under = (header: Part): string => signToken(header, claims, rsa.privateKey, 'RS256');
  const kid = JSON.stringify(rsa.kid);
  const good = make({});
  const unencoded = encodePart({ alg: 'RS256', kid: rsa.kid, b64: false, crit: ['b64'] });
  const overText = signature('RS256', rsa.privateKey, `${unencoded}.${JSON.stringify(claims)}`).toString('base64url');
  return {
    'crit with an extension that nobody knows': make({}, { crit: ['zzz'], zzz: true }),
    'crit with what is no extension': make({}, { crit: ['exp'], exp: 1 }),
    'crit that is empty': make({}, { crit: [] }),
    'crit that is no list': make({}, { crit: 'b64' }),
    'crit that is null': make({}, { crit: null }),
    'b64 false, as an extension': make({}, { b64: false, crit: ['b64'] }),
    'b64 false, signed over the text': [unencoded, encodePart(claims), overText].join('.'),
    'b64 false, not as an extension': make({}, { b64: false }),
    'b64 true': make({}, { b64: true, crit: ['b64'] }),
    ...each(
      'typ',
      ['logout+jwt', 'application/logout+jwt', 'secevent+jwt', 'dpop+jwt', 'JWE', 'JWS', '', 'jwt ', 1, null, ['JWT']],
      (typ) => make({}, { typ }),
    ),
    ...each('cty', ['JWT', 'jwt', 'application/jwt', null, ['JWT']], (cty) => make({}, { cty })),
    'a token in the token': signToken({ alg: 'RS256', kid: rsa.kid, cty: 'JWT' }, good, rsa.privateKey, 'RS256'),
    'a token in the token, without cty': signToken({ alg: 'RS256', kid: rsa.kid }, good, rsa.privateKey, 'RS256'),
    'header with alg twice, none first': under(`{"alg":"none","alg":"RS256","kid":${kid}}`),
    'header with alg twice, none last': under(`{"alg":"RS256","kid":${kid},"alg":"none"}`),
    'header with alg twice, the same': under(`{"alg":"RS256","alg":"RS256","kid":${kid}}`),
    'header with kid twice, once escaped': under(`{"alg":"RS256","k\\u0069d":"unknown","kid":${kid}}`),
    'header with a name twice in an inner object': under(`{"alg":"RS256","kid":${kid},"jwk":{"e":"a","e":"b"}}`),
    'header that is no JSON': under(`{alg:"RS256",kid:${kid}}`),
    'header with text behind it': under(`{"alg":"RS256","kid":${kid}} `.concat('x')),
    'header with a byte order mark': under(`\uFEFF{"alg":"RS256","kid":${kid}}`),
    'header that is a list': under(`[{"alg":"RS256","kid":${kid}}]`),
    'header that is null': under('null'),
    'header that is no UTF-8': under(
      Buffer.concat([Buffer.from(`{"alg":"RS256","kid":${kid},"a":"`), bad, Buffer.from('"}')]),
    ),
    'header that is deep': under(`{"alg":"RS256","kid":${kid},"a":${'['.repeat(200)}${']'.repeat(200)}}`),
  };
}

/** No UTF-8: an overlong form of the slash. */
const bad = Buffer.from([0xc0, 0xaf]);
