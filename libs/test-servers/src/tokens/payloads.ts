import { type Part, signToken } from './signed-tokens.ts';
import { type TokenMaterial, type Tokens } from './token-maker.ts';

/** Payloads that are signed as they should be, and are no claims, or claims that readers could read in two ways. */
export function wrongPayloads({ rsa, claims }: TokenMaterial): Tokens {
  const over = (payload: Part): string => signToken({ alg: 'RS256', kid: rsa.kid }, payload, rsa.privateKey, 'RS256');
  const json = JSON.stringify(claims);
  const body = json.slice(1, -1);
  const twice = (name: string): string => `{${JSON.stringify(name)}:${JSON.stringify(claims[name])},${body}}`;
  return {
    'claims that are no JSON': over('sub=ada'),
    'claims in another syntax': over(`{${body},}`),
    'claims with a comment': over(`{${body}/**/}`),
    'claims with text behind them': over(`${json}${json}`),
    'claims with a byte order mark': over(`\uFEFF${json}`),
    'claims cut off': over(json.slice(0, -1)),
    'claims that are a list': over(`[${json}]`),
    'claims that are null': over('null'),
    'claims that are text': over(JSON.stringify(json)),
    'claims that are a number': over('7'),
    'no claims': over('{}'),
    'claims that are no UTF-8': over(Buffer.concat([Buffer.from(`{${body},"a":"`), bad, Buffer.from('"}')])),
    'claims in UTF-16': over(Buffer.from(json, 'utf16le')),
    'claims 17 deep': over(`{${body},"a":${'['.repeat(16)}${']'.repeat(16)}}`),
    'claims 700 deep': over(`{${body},"a":${'{"a":'.repeat(700)}1${'}'.repeat(700)}}`),
    'sub twice': over(`{"sub":"somebody-else",${body}}`),
    'sub twice, once escaped': over(`{"s\\u0075b":"somebody-else",${body}}`),
    'sub twice, with space before the colon': over(`{"sub" \n:"somebody-else",${body}}`),
    'iss twice, the same': over(twice('iss')),
    'aud twice': over(`{"aud":"https://other.example",${body}}`),
    'exp twice': over(`{"exp":1,${body}}`),
    'a name twice in an inner object': over(`{${body},"a":[{"b":1},{"b":1,"b":2}]}`),
    'a name twice behind text with quotes': over(`{"a\\"":1,"x":"\\\\","a\\"":2,${body}}`),
  };
}

/** No UTF-8: an overlong form of the slash. */
const bad = Buffer.from([0xc0, 0xaf]);
