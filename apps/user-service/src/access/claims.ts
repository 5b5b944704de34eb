import { timingSafeEqual } from 'node:crypto';
import { credentialInvalid, type KnownCaller } from '@rollcall/access';
import { RpcError } from '@rollcall/grpc';
import { user } from '@rollcall/proto';
import { addressIdentity, emailKey } from '../query/text-keys.ts';
import type { Credential, CredentialReads, UserRights } from '../store/credentials/reads.ts';
import type { VerifiedToken } from './oidc/claims.ts';
import { hashOfSecret, kindOfSecret } from '../store/credentials/secrets.ts';
import type { TokenRefusals } from './token-refusals.ts';

/** Verifies the tokens of an issuer. @throws RpcError CREDENTIAL_INVALID, or UPSTREAM_UNAVAILABLE while its keys are not known */
export type VerifyToken = (token: string) => Promise<VerifiedToken>;

/** The largest id of a user. */
const maxId = 2n ** 63n - 1n;

/** What a token of the issuer says. It is also what stands for the token once it is not there any more. */
export interface TokenClaim {
  readonly by: 'token';
  /** The hash of the token, in base64. */
  readonly hash: string;
  /** The id of the user in decimal, when a claim is configured that has it. */
  readonly userId?: string | undefined;
  /** Else the verified address. */
  readonly email?: string | undefined;
  readonly expiresMs: number;
  /** 0 when it does not say so: it is then as old as can be. */
  readonly issuedMs: number;
}

/** What is known of a credential before the directory is asked. */
export type Claim =
  /** One of ours, by its hash in base64. */
  | { readonly by: 'hash'; readonly hash: string }
  | TokenClaim
  /** The user that the configuration names for the tutorials' clients. */
  | { readonly by: 'standIn'; readonly userId: bigint }
  | { readonly by: 'service' };

export type ReadClaim = (credential: string) => Promise<Claim | RpcError>;

// Credentials of our own making have a first character that no credential on the wire can have.

/** Stands for what a claim was read from, without being it. */
export function standingFor(claim: Claim): string {
  if (claim.by === 'hash') return `#${claim.hash}`;
  if (claim.by === 'token') return `!${JSON.stringify(claim)}`;
  throw new Error(`nothing stands for ${claim.by}`);
}

/** Stands for a user, for as long as there is one. */
export function standInFor(id: bigint): string {
  return `@${id}`;
}

/**
 * Reads what credentials claim: secrets of ours, tokens of the issuer if there is one, and what stands for them.
 *
 * @param serviceToken what the other services of the system call with, if they have to
 */
export function claimReader(
  verifyToken: VerifyToken | undefined,
  serviceToken: string | undefined,
  refusals: TokenRefusals,
): ReadClaim {
  const serviceHash = serviceToken === undefined ? undefined : hashOfSecret(serviceToken);
  return async (credential) => {
    if (credential.startsWith('#')) return { by: 'hash', hash: credential.slice(1) };
    if (credential.startsWith('!')) return JSON.parse(credential.slice(1)) as TokenClaim; // as standingFor wrote it
    if (credential.startsWith('@')) return { by: 'standIn', userId: BigInt(credential.slice(1)) };
    const hash = hashOfSecret(credential);
    if (serviceHash !== undefined && timingSafeEqual(hash, serviceHash)) return { by: 'service' };
    const base64 = Buffer.from(hash).toString('base64');
    if (kindOfSecret(credential) !== undefined) return { by: 'hash', hash: base64 };
    if (verifyToken === undefined) return credentialInvalid('it is none of ours');
    try {
      const { userId, email, expiresMs, issuedMs = 0 } = await verifyToken(credential);
      const who = userId === undefined ? { email } : { userId };
      return { by: 'token', hash: base64, ...who, expiresMs, issuedMs };
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      refusals.refused(error);
      return error;
    }
  };
}

/** Whom claims stand for, in their order; the error of one is the answer for it. @param used is told of what is in use */
export async function resolve(
  claims: readonly (Claim | RpcError)[],
  reads: CredentialReads,
  used: (credentials: Iterable<Credential>) => void = () => undefined,
): Promise<(KnownCaller | RpcError)[]> {
  const known = claims.filter((claim): claim is Claim => !(claim instanceof RpcError));
  const hashes = known.flatMap((claim) => ('hash' in claim ? Buffer.from(claim.hash, 'base64') : []));
  const rows = await reads.byHash(hashes);
  const named = [...rows.values()].map((row) => row.user_id);
  const users = await reads.usersById([...new Set([...named, ...known.flatMap((claim) => idOf(claim) ?? [])])]);
  const usersByEmail = await reads.usersByEmail(
    known.flatMap((claim) => ('email' in claim && claim.email !== undefined ? emailKey(claim.email) : [])),
  );
  used(rows.values());
  return claims.map((claim) => {
    if (claim instanceof RpcError) return claim;
    switch (claim.by) {
      case 'hash': {
        const row = rows.get(claim.hash);
        const as = row && kindOf(row);
        if (row === undefined || as === undefined) return credentialInvalid('it is unknown, revoked or expired');
        return callerOf(users.get(row.user_id), as, Number(row.expire_time_ms));
      }
      case 'token': {
        if (rows.has(claim.hash)) return credentialInvalid('it was signed out');
        const found = tokensUser(claim, users, usersByEmail);
        // Seconds are all that a token says of its time: of one of the same second it is not known, and it has to go.
        if (found !== undefined && found.revoke_time_ms > 0n && BigInt(claim.issuedMs) <= found.revoke_time_ms)
          return credentialInvalid('the credentials of its user were revoked after it was issued');
        return callerOf(found, 'oidc', claim.expiresMs);
      }
      case 'standIn':
        return callerOf(users.get(claim.userId), 'tutorial', Infinity);
      case 'service':
        return service;
    }
  });
}

/** It reads the directory as a guest does, and calls what the contract leaves to services. */
const service: KnownCaller = {
  userId: '0',
  type: user.UserType.USER_TYPE_GUEST,
  credential: 'service',
  expiresMs: Infinity,
};

function idOf(claim: Claim): bigint | undefined {
  if (claim.by === 'standIn') return claim.userId;
  if (claim.by !== 'token' || claim.userId === undefined) return undefined;
  const id = BigInt(claim.userId);
  return id <= maxId ? id : undefined;
}

function tokensUser(
  claim: TokenClaim,
  users: ReadonlyMap<bigint, UserRights>,
  usersByEmail: ReadonlyMap<string, UserRights>,
): UserRights | undefined {
  const id = idOf(claim);
  if (id !== undefined) return users.get(id);
  if (claim.email === undefined) return undefined;
  // Whoever is found is not yet the one who is meant: letters of other alphabets can fold to those of this one.
  const found = usersByEmail.get(emailKey(claim.email));
  return found !== undefined && addressIdentity(found.email) === addressIdentity(claim.email) ? found : undefined;
}

/** What a caller is known by; undefined for what makes credentials and is none itself. */
function kindOf({ kind }: Credential): 'session' | 'token' | undefined {
  return kind === 'session' || kind === 'token' ? kind : undefined;
}

function callerOf(row: UserRights | undefined, credential: KnownCaller['credential'], expiresMs: number): KnownCaller {
  const isLive = row !== undefined && row.delete_time_ms === 0n;
  return {
    userId: row === undefined ? '0' : String(row.id),
    type: isLive ? Number(row.type) : user.UserType.USER_TYPE_UNSPECIFIED,
    credential,
    expiresMs,
  };
}
