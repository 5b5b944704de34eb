import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** A key of an issuer, by its id. */
export interface NamedKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
}

/** What a part of a token is made of: members, JSON as it is, or bytes. */
export type Part = Readonly<Record<string, unknown>> | string | Uint8Array;

/** A new key of RSA, of the curve P-256, or Ed25519. */
export function newKey(kid: string, type: 'rsa' | 'ec' | 'ed25519', rsaBits = 2048): NamedKey {
  switch (type) {
    case 'rsa':
      return { kid, privateKey: generateKeyPairSync('rsa', { modulusLength: rsaBits }).privateKey };
    case 'ec':
      return { kid, privateKey: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey };
    case 'ed25519':
      return { kid, privateKey: generateKeyPairSync('ed25519').privateKey };
  }
}

/** A part in base64url. */
export function encodePart(part: Part): string {
  if (part instanceof Uint8Array) return Buffer.from(part).toString('base64url');
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
}

/** Signs as an algorithm of JWS says, whatever header it is for. */
export function signature(alg: string, key: KeyObject, text: string): Buffer {
  const hash = /^[A-Z]{2}\d+$/.test(alg) ? `sha${alg.slice(2)}` : undefined;
  const padding = alg.startsWith('PS') ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: -1 } : {};
  return sign(hash, Buffer.from(text), { key, dsaEncoding: 'ieee-p1363', ...padding });
}

/** A token: the two parts, and a signature over them that is made as `alg` says. */
export function signToken(header: Part, payload: Part, key: KeyObject, alg: string): string {
  const text = `${encodePart(header)}.${encodePart(payload)}`;
  return `${text}.${signature(alg, key, text).toString('base64url')}`;
}
