import { readFileSync, writeFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OidcIssuer } from '../../src/access/oidc/issuer.ts';
import { OidcTokens } from '../../src/access/oidc/token.ts';
import { acceptedTokens, hostileTokens, type NamedToken, type TokenMaterial, newKey } from '@rollcall/test-servers';
import { audience, OpenidProvider } from './oidc/openid-provider.ts';
import { RestartableServer } from './oidc/restartable-server.ts';

const [rsa, ec] = [newKey('rsa', 'rsa'), newKey('ec', 'ec')];
const provider = new OpenidProvider();
const attacker = new RestartableServer();
const now = 1_900_000_000;
const userIdClaim = 'https://rollcall.example/user_id';
let issuer: OidcIssuer;
/** How each was answered, by the claim that tells the user. */
const answered = new Map<string | undefined, Awaited<ReturnType<typeof answers>>>();

beforeAll(async () => {
  await provider.start();
  await attacker.start();
  provider.configure([rsa, ec, newKey('ed25519', 'ed25519')], {});
  issuer = new OidcIssuer(provider.url);
  issuer.start();
  for (const claim of [undefined, userIdClaim])
    answered.set(claim, await answers(hostileTokens(material(claim)), claim));
}, 60_000); // hundreds of signatures

afterAll(async () => {
  issuer.close();
  await provider.stop();
  await attacker.stop();
});

function material(claim: string | undefined): TokenMaterial {
  const user = claim === undefined ? { email: 'ada@example.com', email_verified: true } : { [claim]: '7' };
  const times = { exp: now + 3600, nbf: now - 60, iat: now - 60 };
  const claims = { iss: provider.url, aud: audience, sub: 'ada', ...times, ...user };
  return {
    issuer: provider.url,
    audience,
    rsa,
    ec,
    claims,
    userIdClaim: claim,
    now,
    leeway: 30,
    margin: 1,
    attackerUrl: `${attacker.url}/keys`,
  };
}

/** How a verifier answers: with whom it takes it for, or with what it throws. */
async function answers(tokens: readonly NamedToken[], claim: string | undefined) {
  const audiences = ['https://one.example', audience];
  const config = { issuer: provider.url, audiences, userIdClaim: claim, leewaySeconds: 30, tokenMs: 0 };
  const verifier = new OidcTokens(config, issuer, () => now * 1000);
  return Promise.all(
    tokens.map(async ({ name, token }) => ({
      name,
      token,
      answer: await verifier.verify(token).catch((error: unknown) => error),
    })),
  );
}

describe.each([
  ['who is known by the email address', undefined],
  ['who is known by a claim', userIdClaim],
])('of a user %s', (_, claim) => {
  test('accepts what stands within every limit', async () => {
    const accepted = await answers(acceptedTokens(material(claim)), claim);
    const refused = accepted.filter(({ answer }) => answer instanceof RpcError);
    expect(refused.map(({ name, answer }) => [name, String((answer as RpcError).cause)])).toEqual([]);
    expect(accepted.length).toBeGreaterThan(20);
  });

  test('refuses every hostile token with one and the same answer', () => {
    const refused = answered.get(claim) ?? [];
    const sent = refused.map(({ answer }) => {
      const { code, reason, message, details } = answer as RpcError;
      return JSON.stringify({ code, reason, message, details: { ...details, cause: undefined } });
    });
    const message = 'The token is not accepted. Sign in again, and send the new one.';
    expect([...new Set(sent)].map((each): unknown => JSON.parse(each))).toEqual([
      { code: Status.UNAUTHENTICATED, reason: 'CREDENTIAL_INVALID', message, details: {} },
    ]);
    expect(refused.length).toBeGreaterThan(200);
  });
});

test('refuses each for the reason that it is hostile for', () => {
  const [byEmail = [], byId = []] = answered.values();
  const names = new Set(byEmail.map(({ name }) => name));
  const lines = [...byEmail, ...byId.filter(({ name }) => !names.has(name))].map(({ name, answer }) =>
    `${name} → ${String((answer as RpcError).cause)}\n`.replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1'),
  );
  const golden = new URL('../golden/hostile-tokens.txt', import.meta.url); // changes only with UPDATE_GOLDEN=1
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, lines.join(''));
  expect(lines.join('')).toBe(readFileSync(golden, 'utf8'));
});

test('keeps the token out of what it throws', () => {
  const telling = [...answered.values()]
    .flat()
    .filter(({ token, answer }) => token.length > 100 && inspect(answer, { depth: 9 }).includes(token.slice(20, 60)));
  expect(telling).toEqual([]);
});

test('asks nobody whom a token names', () => {
  expect(attacker.asked).toEqual([]);
});
