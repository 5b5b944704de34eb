import { createPublicKey } from 'node:crypto';
import { RpcError } from '@rollcall/grpc';
import { expect, test } from 'vitest';
import { readCompactToken } from '../../../src/access/oidc/compact-token.ts';
import { SigningKeys } from '../../../src/access/oidc/signing-keys.ts';
import { type NamedKey, newKey, signToken } from '@rollcall/test-servers';

const rsa = newKey('rsa', 'rsa');
const weak = newKey('weak', 'rsa', 1024);
const ec = newKey('ec', 'ec');
const ed25519 = newKey('ed25519', 'ed25519');

function jwk({ kid, privateKey }: NamedKey, changes: Record<string, unknown> = {}): Record<string, unknown> {
  return { ...createPublicKey(privateKey).export({ format: 'jwk' }), kid, ...changes };
}

/** Why a token is refused by these keys; undefined when it is not. */
async function whyRefused(keys: readonly unknown[], { kid, privateKey }: NamedKey, alg: string, named = true) {
  const token = signToken({ alg, ...(named ? { kid } : {}) }, {}, privateKey, alg);
  try {
    await new SigningKeys({ keys }).verify(readCompactToken(token));
    return undefined;
  } catch (error) {
    return error instanceof RpcError ? error.cause : error;
  }
}

test.each(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'])('verifies %s', async (alg) => {
  expect(await whyRefused([jwk(rsa), jwk(ec)], rsa, alg)).toBeUndefined();
});

test.each(['EdDSA', 'Ed25519'])('verifies %s', async (alg) => {
  expect(await whyRefused([jwk(rsa), jwk(ed25519)], ed25519, alg)).toBeUndefined();
});

test('verifies ES256', async () => {
  expect(await whyRefused([jwk(rsa), jwk(ec)], ec, 'ES256')).toBeUndefined();
});

test('verifies a token that names no key when there is one alone', async () => {
  expect(await whyRefused([jwk(rsa)], rsa, 'RS256', false)).toBeUndefined();
  expect(await whyRefused([jwk(rsa), jwk(ec)], rsa, 'RS256', false)).toBe('it names none of several keys');
});

test.each([
  ['is for encryption', { use: 'enc' }],
  ['is for another operation', { key_ops: ['encrypt'] }],
  ['is for another algorithm', { alg: 'RS512' }],
  ['is of another type', { kty: 'EC' }],
  ['is symmetric', { kty: 'oct', k: 'AAAA' }],
  ['is private', { d: 'AAAA' }],
  ['has no modulus', { n: undefined }],
  ['has a modulus that is no text', { n: 7 }],
])('refuses a token whose key %s', async (_, changes) => {
  expect(await whyRefused([jwk(rsa, changes)], rsa, 'RS256')).toBe('no key of the issuer fits it');
});

test('refuses an RSA key that is too short, whoever signed with it', async () => {
  expect(await whyRefused([jwk(weak)], weak, 'RS256')).toBe('no key of the issuer fits it');
});

test('refuses a token whose key id two keys have', async () => {
  expect(await whyRefused([jwk(rsa), jwk(newKey('rsa', 'rsa'))], rsa, 'RS256')).toBe('no key of the issuer fits it');
});

test('passes over keys that it does not understand', async () => {
  expect(await whyRefused([{}, { kty: 'zzz', kid: 7 }, jwk(rsa)], rsa, 'RS256')).toBeUndefined();
});

test.each([
  ['nothing', undefined],
  ['null', null],
  ['a list', [jwk(rsa)]],
  ['one key', jwk(rsa)],
  ['no list of keys', { keys: jwk(rsa) }],
  ['keys that are no objects', { keys: ['rsa'] }],
  ['keys that are lists', { keys: [[]] }],
  ['101 keys', { keys: Array.from({ length: 101 }, () => jwk(rsa)) }],
])('is no key set: %s', (_, document) => {
  expect(() => new SigningKeys(document)).toThrow(/no JWK Set|malformed/);
});

test('tells whether another set is the same', () => {
  const keys = new SigningKeys({ keys: [jwk(rsa)] });
  expect(keys.equals(new SigningKeys({ keys: [jwk(rsa)] }))).toBe(true);
  expect(keys.equals(new SigningKeys({ keys: [jwk(rsa, { n: 'AQAB' })] }))).toBe(false);
  expect(keys.equals(undefined)).toBe(false);
});
