import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
// @ts-expect-error -- the tools are plain JavaScript
import { SecretFinder } from '../secrets-in-output.mjs';

const finder = () => new SecretFinder() as { found: Set<string>; look: (chunk: string) => void };
const random = (bytes: number): string => randomBytes(bytes).toString('base64url');

test.each([
  ['a token of ours', `rct_${random(32)}`],
  ['a link', `http://localhost:3000/sign-in#rcl_${random(32)}`],
  ['a token of an issuer', `eyJ${random(30)}.eyJ${random(60)}.${random(64)}`],
  ['a private key', generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string],
])('finds %s in a log, also where a chunk ends inside it', (_, secret) => {
  const [whole, cut] = [finder(), finder()];
  whole.look(`{"level":"log","message":"${secret}"}`);
  expect(whole.found.size).toBe(1);
  for (const character of `before ${secret} behind`) cut.look(character);
  expect(cut.found.size).toBeGreaterThanOrEqual(1);
  expect([...whole.found].join()).not.toContain(secret);
});

test('leaves alone what is none', () => {
  const found = finder();
  found.look(`rct_${'A'.repeat(43)} rct_short eyJhbGciOiJub25lIn0.e30. -----BEGIN CERTIFICATE-----`);
  expect(found.found.size).toBe(0);
});
