import { hash, randomBytes } from 'node:crypto';

/** What secrets are for. */
export type SecretKind = 'session' | 'token' | 'ticket' | 'link';

/** They begin with their kind, so that whoever finds one knows what was lost. */
const prefixes: Readonly<Record<SecretKind, string>> = {
  session: 'rcs_',
  token: 'rct_',
  ticket: 'rck_',
  link: 'rcl_',
};

/** 256 random bits. */
const form = /^rc[stkl]_[A-Za-z0-9_-]{43}$/;

/** A new secret. */
export function newSecret(kind: SecretKind): string {
  return `${prefixes[kind]}${randomBytes(32).toString('base64url')}`;
}

/** The kind of secret that this could be; undefined when it is none of ours. */
export function kindOfSecret(text: string): SecretKind | undefined {
  if (!form.test(text)) return undefined;
  switch (text.slice(0, 4)) {
    case prefixes.session:
      return 'session';
    case prefixes.token:
      return 'token';
    case prefixes.ticket:
      return 'ticket';
    default:
      return 'link';
  }
}

/** What is kept of a secret. Its bits are random, so that a fast hash is as good as a slow one. */
export function hashOfSecret(secret: string): Uint8Array {
  return hash('sha256', secret, 'buffer');
}
