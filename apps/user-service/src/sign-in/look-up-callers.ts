import { timingSafeEqual } from 'node:crypto';
import { credentialInvalid, type KnownCaller, type LookUpCallers } from '@rollcall/access';
import { RpcError } from '@rollcall/grpc';
import { user } from '@rollcall/proto';
import { emailKey } from '../query/text-keys.ts';
import type { Credential, Credentials, UserRights } from '../store/credentials.ts';
import type { VerifiedToken } from './oidc-claims.ts';
import { hashOfSecret, kindOfSecret } from './secrets.ts';

/** Verifies the tokens of an issuer. @throws RpcError CREDENTIAL_INVALID, or UPSTREAM_UNAVAILABLE while its keys are not known */
export type VerifyToken = (token: string) => Promise<VerifiedToken>;

/** The largest id of a user. */
const maxId = 2n ** 63n - 1n;

/** What is known of a credential before the directory is asked. */
type Claim =
  | { readonly by: 'hash'; readonly hash: Uint8Array }
  | { readonly by: 'id'; readonly userId: bigint; readonly as: KnownCaller['credential']; readonly expiresMs: number }
  | { readonly by: 'email'; readonly key: string; readonly expiresMs: number }
  | { readonly by: 'nobody'; readonly expiresMs: number }
  | { readonly by: 'service' };

// Credentials of our own making have a first character that no credential on the wire can have.

/** Stands for the credential with this hash. */
export function byHash(hash: Uint8Array): string {
  return `#${Buffer.from(hash).toString('base64')}`;
}

/** Stands for a user. */
export function byUserId(id: bigint): string {
  return `@${id}`;
}

/**
 * Says whom credentials stand for: secrets of ours, and tokens of the issuer if there is one.
 *
 * @param serviceToken what the other services of the system call with, if they have to
 */
export function lookUpCallers(
  credentials: Credentials,
  verifyToken: VerifyToken | undefined,
  serviceToken: string | undefined,
): LookUpCallers {
  const serviceHash = serviceToken === undefined ? undefined : hashOfSecret(serviceToken);
  return async (asked) => {
    const claims = await Promise.all(asked.map((credential) => claimOf(credential, verifyToken, serviceHash)));
    const known = claims.filter((claim): claim is Claim => !(claim instanceof RpcError));
    const rows = await credentials.byHash(known.flatMap((claim) => (claim.by === 'hash' ? claim.hash : [])));
    const users = await credentials.usersById([
      ...new Set(known.flatMap((claim) => (claim.by === 'id' ? claim.userId : []))),
      ...new Set([...rows.values()].map((row) => row.user_id)),
    ]);
    const usersByEmail = await credentials.usersByEmail(
      known.flatMap((claim) => (claim.by === 'email' ? claim.key : [])),
    );
    return claims.map((claim) => {
      if (claim instanceof RpcError) return claim;
      switch (claim.by) {
        case 'hash': {
          const row = rows.get(Buffer.from(claim.hash).toString('base64'));
          const as = row && kindOf(row);
          if (row === undefined || as === undefined) return credentialInvalid('it is unknown, revoked or expired');
          return callerOf(users.get(row.user_id), as, Number(row.expire_time_ms));
        }
        case 'id':
          return callerOf(users.get(claim.userId), claim.as, claim.expiresMs);
        case 'email':
          return callerOf(usersByEmail.get(claim.key), 'oidc', claim.expiresMs);
        case 'nobody':
          return callerOf(undefined, 'oidc', claim.expiresMs);
        case 'service':
          return service;
      }
    });
  };
}

/** It reads the directory as a guest does, and calls what the contract leaves to services. */
const service: KnownCaller = {
  userId: '0',
  type: user.UserType.USER_TYPE_GUEST,
  credential: 'service',
  expiresMs: Infinity,
};

async function claimOf(
  credential: string,
  verifyToken: VerifyToken | undefined,
  serviceHash: Uint8Array | undefined,
): Promise<Claim | RpcError> {
  if (credential.startsWith('#')) return { by: 'hash', hash: Buffer.from(credential.slice(1), 'base64') };
  if (credential.startsWith('@'))
    return { by: 'id', userId: BigInt(credential.slice(1)), as: 'tutorial', expiresMs: Infinity };
  if (serviceHash !== undefined && timingSafeEqual(hashOfSecret(credential), serviceHash)) return { by: 'service' };
  const kind = kindOfSecret(credential);
  if (kind !== undefined) return { by: 'hash', hash: hashOfSecret(credential) };
  if (verifyToken === undefined) return credentialInvalid('it is none of ours');
  try {
    const { userId, email, expiresMs } = await verifyToken(credential);
    if (userId !== undefined && BigInt(userId) <= maxId)
      return { by: 'id', userId: BigInt(userId), as: 'oidc', expiresMs };
    if (userId !== undefined || email === undefined) return { by: 'nobody', expiresMs };
    return { by: 'email', key: emailKey(email), expiresMs };
  } catch (error) {
    if (error instanceof RpcError) return error;
    throw error;
  }
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
