import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  type Extension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A certificate and its key, as PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate says; it is valid for an hour unless it `endedAgoMs` milliseconds ago. */
export interface Issued {
  /** The DNS names of its bearer. */
  readonly names?: readonly string[];
  /** By default the first of the names. */
  readonly commonName?: string;
  /** Further names, such as IP addresses. */
  readonly otherNames?: readonly JsonGeneralName[];
  readonly endedAgoMs?: number;
  /** Gives it an RSA key of so many bits; by default it has one of P-256. */
  readonly rsaBits?: number;
}

/** An authority that a test makes for itself. */
export interface Authority {
  /** Its own certificate, as PEM. */
  readonly cert: string;
  /** Issues a certificate for servers and clients. */
  issue(issued: Issued): Promise<Identity>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const hourMs = 3_600_000;

/** Makes an authority. @param name its common name; two of one name are still two */
export async function makeAuthority(name = 'An authority of a test'): Promise<Authority> {
  const keys = await makeKeys();
  const usages = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign;
  const own = await sign(name, keys, undefined, hourMs, [
    new BasicConstraintsExtension(true, undefined, true),
    new KeyUsagesExtension(usages, true),
  ]);
  return {
    cert: `${own.toString('pem')}\n`,
    async issue({ names = [], commonName = names[0] ?? 'nobody', otherNames = [], endedAgoMs, rsaBits }) {
      const bearerKeys = await makeKeys(rsaBits);
      const alternatives: JsonGeneralName[] = [
        ...names.map((value) => ({ type: 'dns' as const, value })),
        ...otherNames,
      ];
      const cert = await sign(commonName, bearerKeys, { name, keys }, endedAgoMs === undefined ? hourMs : -endedAgoMs, [
        new BasicConstraintsExtension(false),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
        ...(alternatives.length > 0 ? [new SubjectAlternativeNameExtension(alternatives)] : []),
      ]);
      const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', bearerKeys.privateKey)).toString('base64');
      return {
        cert: `${cert.toString('pem')}\n`,
        key: `-----BEGIN PRIVATE KEY-----\n${key.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`,
      };
    },
  };
}

function makeKeys(rsaBits?: number): Promise<webcrypto.CryptoKeyPair> {
  const rsa = { name: 'RSASSA-PKCS1-v1_5', publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' };
  return webcrypto.subtle.generateKey(rsaBits === undefined ? algorithm : { ...rsa, modulusLength: rsaBits }, true, [
    'sign',
    'verify',
  ]);
}

/** Makes a certificate that is valid until so many milliseconds from now; without an issuer it is signed by itself. */
async function sign(
  name: string,
  keys: webcrypto.CryptoKeyPair,
  issuer: { readonly name: string; readonly keys: webcrypto.CryptoKeyPair } | undefined,
  validMs: number,
  extensions: Extension[],
): Promise<X509Certificate> {
  return X509CertificateGenerator.create(
    {
      subject: [{ CN: [name] }],
      issuer: [{ CN: [issuer?.name ?? name] }],
      notBefore: new Date(Date.now() - 24 * hourMs),
      notAfter: new Date(Date.now() + validMs),
      signingAlgorithm: algorithm,
      publicKey: keys.publicKey,
      signingKey: (issuer?.keys ?? keys).privateKey,
      extensions: [
        ...extensions,
        // Two authorities of one name, as one that is renewed, are told apart by these.
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
        await AuthorityKeyIdentifierExtension.create((issuer?.keys ?? keys).publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
}
