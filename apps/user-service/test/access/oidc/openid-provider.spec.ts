import { status as Status } from '@grpc/grpc-js';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type IssuerTimes, OidcIssuer } from '../../../src/access/oidc/issuer.ts';
import { OidcTokens } from '../../../src/access/oidc/token.ts';
import { audience, OpenidProvider } from './openid-provider.ts';
import { newKey } from '@rollcall/test-servers';

// A certified OpenID provider, with the tokens that it makes.

const [rsa, ec, later] = [newKey('rsa', 'rsa'), newKey('ec', 'ec'), newKey('later', 'ec')];
const ada = { email: 'ada@example.com', email_verified: true, user_id: '7' };
const invalid = { code: Status.UNAUTHENTICATED, reason: 'CREDENTIAL_INVALID' };

let provider: OpenidProvider;
let elapsedMs: number;
const issuers: OidcIssuer[] = [];

beforeEach(async () => {
  provider = new OpenidProvider();
  await provider.start();
  elapsedMs = 0;
  vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
  vi.spyOn(Logger.prototype, 'log').mockReturnValue();
});

afterEach(async () => {
  for (const issuer of issuers.splice(0)) issuer.close();
  await provider.stop();
  vi.restoreAllMocks();
});

function newVerifier(times: Partial<IssuerTimes> = {}, audiences = [audience], userIdClaim?: string): OidcTokens {
  const issuer = new OidcIssuer(provider.url, times, () => elapsedMs);
  issuers.push(issuer);
  issuer.start();
  return new OidcTokens({ issuer: provider.url, audiences, userIdClaim, leewaySeconds: 30, tokenMs: 0 }, issuer);
}

test.each([
  ['RS256', [rsa, ec]],
  ['ES256', [ec, rsa]],
])('accepts an access token that is signed with %s', async (_, keys) => {
  provider.configure(keys, ada);
  const token = await provider.accessToken();
  const verified = await newVerifier().verify(token);
  expect(verified).toMatchObject({ subject: 'machine', issuer: provider.url, email: 'ada@example.com' });
  expect(verified).not.toHaveProperty('userId');
  expect(await newVerifier({}, [audience], 'user_id').verify(token)).toMatchObject({ userId: '7' });
});

test('accepts the ID token of a person who has signed in', async () => {
  provider.configure([rsa, ec], ada);
  const token = await provider.idToken('ada');
  expect(await newVerifier({}, [audience, 'page']).verify(token)).toMatchObject({ subject: 'ada', email: ada.email });
});

test('refuses the ID token when it is meant for somebody else', async () => {
  provider.configure([rsa, ec], ada);
  const refused = newVerifier().verify(await provider.idToken('ada'));
  await expect(refused).rejects.toMatchObject({ ...invalid, cause: 'its audience is another' });
});

test('refuses the token of a person whose address the provider has not verified', async () => {
  provider.configure([rsa, ec], { ...ada, email_verified: false });
  const refused = newVerifier().verify(await provider.accessToken());
  await expect(refused).rejects.toMatchObject({ ...invalid, cause: 'it has no verified email address' });
});

test('follows a provider to new keys, and leaves the old ones', async () => {
  provider.configure([ec], ada);
  const verifier = newVerifier();
  const before = await provider.accessToken();
  await verifier.verify(before);
  await provider.stop();
  await provider.start();
  provider.configure([later], ada);
  await verifier.verify(await provider.accessToken());
  await expect(verifier.verify(before)).rejects.toMatchObject(invalid);
});

test('accepts both while the provider has the old and the new key', async () => {
  provider.configure([ec], ada);
  const verifier = newVerifier();
  const before = await provider.accessToken();
  await verifier.verify(before);
  provider.configure([later, ec], ada);
  await verifier.verify(await provider.accessToken());
  expect(await verifier.verify(before)).toMatchObject({ subject: 'machine' });
});

test('goes on while the provider is away, and refuses what it cannot know', async () => {
  provider.configure([later], ada);
  const unknown = await provider.accessToken();
  provider.configure([ec], ada);
  const verifier = newVerifier();
  const [first, second] = [await provider.accessToken(), await provider.accessToken()];
  await verifier.verify(first);
  await provider.stop();
  await expect(verifier.verify(unknown)).rejects.toMatchObject(invalid);
  expect(await verifier.verify(first)).toMatchObject({ subject: 'machine' });
  expect(await verifier.verify(second)).toMatchObject({ subject: 'machine' });
});

test('cannot check tokens of a provider that was never up, and can once it is', async () => {
  provider.configure([ec], ada);
  const token = await provider.accessToken();
  await provider.stop();
  const verifier = newVerifier({ retryMs: 1, maxRetryMs: 1 });
  const code = Status.UNAVAILABLE;
  await expect(verifier.verify(token)).rejects.toMatchObject({ code, reason: 'UPSTREAM_UNAVAILABLE' });
  await provider.start();
  expect(await vi.waitFor(() => verifier.verify(token))).toMatchObject({ subject: 'machine' });
});

test('asks the provider for its keys once in each cooldown, however many unknown keys come', async () => {
  provider.configure([later], ada);
  const unknown = await Promise.all(Array.from({ length: 20 }, () => provider.accessToken()));
  provider.configure([ec], ada);
  const verifier = newVerifier({ cooldownMs: 10_000 });
  await verifier.verify(await provider.accessToken());
  const flood = () => Promise.allSettled(unknown.map((token) => verifier.verify(token)));
  await flood();
  await flood();
  expect(provider.keyRequests).toBe(2);
  elapsedMs = 10_000;
  await flood();
  expect(provider.keyRequests).toBe(3);
});
