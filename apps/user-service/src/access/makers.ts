import { type KnownCaller, notPermitted } from '@rollcall/access';
import { invalidFields, RpcError } from '@rollcall/grpc';
import { user } from '@rollcall/proto';
import { type CredentialsTransaction, maxValidMs } from '../store/credentials/credentials.ts';
import { type Claim, type ReadClaim, resolve } from './claims.ts';

const { USER_TYPE_ADMINISTRATOR, USER_TYPE_DISABLED, USER_TYPE_UNSPECIFIED } = user.UserType;

const dayMs = 24 * 60 * 60 * 1000;

/** By what a credential is made: that of the call, as it is in the transaction. */
export interface Maker {
  /** Absent in protected mode. */
  readonly claim?: Claim;
  readonly kind: KnownCaller['credential'];
  readonly userId: string;
  readonly type: user.UserType;
  readonly expiresMs: number;
}

const localAdministrator: Maker = {
  kind: 'local',
  userId: '0',
  type: USER_TYPE_ADMINISTRATOR,
  expiresMs: Infinity,
};

/** What makes credentials, and for how long: none outlives what it was made by. */
export class Makers {
  readonly #readClaim: ReadClaim;
  readonly #issuedTokenMs: number;

  /** @param issuedTokenMs how long what a token of the issuer makes lasts at the most, in milliseconds; 0: it makes nothing */
  constructor(readClaim: ReadClaim, issuedTokenMs: number) {
    this.#readClaim = readClaim;
    this.#issuedTokenMs = issuedTokenMs;
  }

  /** What a credential claims. @throws RpcError CREDENTIAL_INVALID */
  async claimOf(credential: string): Promise<Claim> {
    const claim = await this.#readClaim(credential);
    if (claim instanceof RpcError) throw claim;
    return claim;
  }

  /**
   * What the credential of a call stands for in a transaction: what was revoked a moment ago makes nothing any more,
   * although its call was admitted.
   *
   * @param claim undefined in protected mode
   * @throws RpcError CREDENTIAL_INVALID or NOT_PERMITTED
   */
  async makerIn({ reads }: CredentialsTransaction, claim: Claim | undefined): Promise<Maker> {
    if (claim === undefined) return localAdministrator;
    const [known] = await resolve([claim], reads);
    if (known === undefined) throw new Error('a claim was not resolved');
    if (known instanceof RpcError) throw known;
    const { credential: kind, userId, type, expiresMs } = known;
    if (kind === 'service') throw notPermitted('Services make no credentials.', 'the token of the services');
    if (type === USER_TYPE_UNSPECIFIED || type === USER_TYPE_DISABLED)
      throw notPermitted('This account may do nothing here.', 'the user is disabled or deleted');
    return { claim, kind, userId, type, expiresMs };
  }

  /**
   * How long a token or a link for a user lasts that is made by this, in milliseconds.
   *
   * @param days what was asked for; 0 when nothing was
   * @throws RpcError NOT_PERMITTED, or INVALID_FIELD when that is longer than what it is made by
   */
  lifetimeMs(maker: Maker, userId: bigint, days: number, defaultDays: number, nowMs: bigint): number {
    const { kind, expiresMs } = maker;
    if (maker.userId !== String(userId) && maker.type !== USER_TYPE_ADMINISTRATOR)
      throw notPermitted('You may do this to your own record alone.', 'it is the record of another user');
    if (kind === 'token')
      throw notPermitted('A token of a program makes no other credentials. Sign in for that.', 'made by a token');
    if (kind === 'oidc' && this.#issuedTokenMs === 0)
      throw notPermitted(
        'A token of the issuer makes no other credentials here, unless OIDC_TOKEN_DAYS says for how long.',
        'made by a token of the issuer',
      );
    const mostMs = Math.min(kind === 'oidc' ? this.#issuedTokenMs : expiresMs - Number(nowMs), maxValidMs);
    const mostDays = Math.ceil(mostMs / dayMs);
    if (days > mostDays) {
      const description = `must be ${mostDays} at the most, for it may not last longer than what it is made by`;
      throw invalidFields([{ field: 'valid_days', description, reason: 'too_long' }]);
    }
    return Math.min((days || defaultDays) * dayMs, mostMs);
  }
}
