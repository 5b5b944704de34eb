import { createPublicKey } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OidcIssuer } from '../../../src/access/oidc/issuer.ts';
import { OidcTokens } from '../../../src/access/oidc/token.ts';
import { RestartableServer } from './restartable-server.ts';
import { type NamedKey, newKey, signToken } from '@rollcall/test-servers';

const [one, two] = [newKey('one', 'ec'), newKey('two', 'ec')];
const startMs = 1_900_000_000_000;

let server: RestartableServer;
let issuer: OidcIssuer;
let nowMs: number;

beforeEach(async () => {
  server = new RestartableServer();
  await server.start();
  publish(one);
  issuer = new OidcIssuer(server.url, { cooldownMs: 0 });
  nowMs = startMs;
});

afterEach(async () => {
  issuer.close();
  await server.stop();
});

function publish(...keys: readonly NamedKey[]): void {
  server.listener = (request, response) => {
    const jwks = keys.map(({ kid, privateKey }) => ({ ...createPublicKey(privateKey).export({ format: 'jwk' }), kid }));
    const configuration = { issuer: server.url, jwks_uri: `${server.url}/jwks` };
    response.end(JSON.stringify(request.url === '/jwks' ? { keys: jwks } : configuration));
  };
}

function newVerifier(maxCached?: number, userIdClaim?: string): OidcTokens {
  const config = { issuer: server.url, audiences: ['rollcall'], userIdClaim, leewaySeconds: 30, tokenMs: 0 };
  return new OidcTokens(config, issuer, () => nowMs, maxCached);
}

function newToken(claims: Readonly<Record<string, unknown>> = {}, { kid, privateKey } = one): string {
  const user = { sub: 'ada', email: 'ada@example.com', email_verified: true };
  const payload = { iss: server.url, aud: 'rollcall', exp: startMs / 1000 + 60, ...user, ...claims };
  return signToken({ alg: 'ES256', kid }, payload, privateKey, 'ES256');
}

const invalid = (cause: string) => ({ reason: 'CREDENTIAL_INVALID', cause });

test('tells who has signed in', async () => {
  expect(await newVerifier().verify(newToken())).toEqual({
    subject: 'ada',
    issuer: server.url,
    email: 'ada@example.com',
    expiresMs: startMs + 90_000,
  });
});

test('tells the id of the user, and no address that is not verified', async () => {
  expect(await newVerifier(9, 'uid').verify(newToken({ uid: 7, email_verified: false }))).toEqual({
    subject: 'ada',
    issuer: server.url,
    userId: '7',
    expiresMs: startMs + 90_000,
  });
});

test('verifies a token once, also when calls come at the same time', async () => {
  const verifier = newVerifier();
  const token = newToken();
  const [first, second] = await Promise.all([verifier.verify(token), verifier.verify(token)]);
  expect(second).toBe(first);
  expect(await verifier.verify(token)).toBe(first);
  expect(Object.isFrozen(first)).toBe(true);
});

test('verifies every token again when it keeps none', async () => {
  const verifier = newVerifier(0);
  const token = newToken();
  expect(await verifier.verify(token)).not.toBe(await verifier.verify(token));
});

test('refuses a token that it knows from the moment that it has expired', async () => {
  const verifier = newVerifier();
  const token = newToken();
  const verified = await verifier.verify(token);
  nowMs = verified.expiresMs - 1;
  expect(await verifier.verify(token)).toBe(verified);
  nowMs = verified.expiresMs;
  await expect(verifier.verify(token)).rejects.toMatchObject(invalid('it has expired'));
});

test('forgets the token that was used the longest time ago', async () => {
  const verifier = newVerifier(2);
  const [a, b, c] = [newToken(), newToken(), newToken()];
  const [first, second] = [await verifier.verify(a), await verifier.verify(b)];
  await verifier.verify(a);
  await verifier.verify(c);
  expect(await verifier.verify(a)).toBe(first);
  expect(await verifier.verify(b)).not.toBe(second);
});

test('refuses a token that it knows once its key has gone', async () => {
  const verifier = newVerifier();
  const token = newToken();
  await verifier.verify(token);
  publish(two);
  await verifier.verify(token); // nobody has fetched the new keys yet
  await verifier.verify(newToken({}, two));
  await expect(verifier.verify(token)).rejects.toMatchObject(invalid('no key of the issuer has its key id'));
});

test('keeps no token that was verified with keys that have gone meanwhile', async () => {
  const verifier = newVerifier();
  await verifier.verify(newToken());
  const token = newToken();
  publish(two);
  const keys = await issuer.keysFor('one');
  const [begun, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const verify = keys.verify.bind(keys);
  keys.verify = async (compact) => {
    begun.resolve();
    await go.promise;
    await verify(compact);
  };
  const verifying = verifier.verify(token);
  await begun.promise;
  await issuer.keysFor('two');
  go.resolve();
  await verifying; // it began while its key was there
  await expect(verifier.verify(token)).rejects.toMatchObject(invalid('no key of the issuer has its key id'));
});

test('does not remember what it refuses', async () => {
  const verifier = newVerifier();
  const token = newToken({ nbf: startMs / 1000 + 40 });
  await expect(verifier.verify(token)).rejects.toMatchObject(invalid('it is not valid yet'));
  nowMs = startMs + 10_000;
  expect(await verifier.verify(token)).toMatchObject({ subject: 'ada' });
});

test('asks the issuer nothing about what is no token', async () => {
  await expect(newVerifier().verify('no.token.')).rejects.toMatchObject(invalid('it is not three parts in base64url'));
  expect(server.asked).toEqual([]);
});
