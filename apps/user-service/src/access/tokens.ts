import { credentialInvalid, type Redeemed } from '@rollcall/access';
import type { RpcError } from '@rollcall/grpc';
import type { AuditLog } from '../store/audit/log.ts';
import type { Credential } from '../store/credentials/reads.ts';
import type { Credentials, NewCredential } from '../store/credentials/credentials.ts';
import { compareText } from '../query/text-keys.ts';
import { standingFor } from './claims.ts';
import type { Makers } from './makers.ts';
import { hashOfSecret, kindOfSecret } from '../store/credentials/secrets.ts';
import { liveUser } from './sign-in.ts';
import { tokenNameTaken, tokenNotFound, tooManyTokens } from './sign-in-errors.ts';

const ticketMs = 30_000;
const defaultTokenDays = 90;
const maxTokens = 100;

/** A token that was made, and by what. */
export interface NewToken extends NewCredential {
  readonly madeBy: string;
}

/** What those call by who are signed in: tokens of programs, and tickets for single streams. */
export class Tokens {
  readonly #credentials: Credentials;
  readonly #audit: AuditLog;
  readonly #makers: Makers;

  constructor(credentials: Credentials, audit: AuditLog, makers: Makers) {
    this.#credentials = credentials;
    this.#audit = audit;
    this.#makers = makers;
  }

  /**
   * Makes a token.
   *
   * @param maker the credential of the call; undefined in protected mode
   * @throws RpcError USER_NOT_FOUND, TOKEN_NAME_TAKEN, TOO_MANY_TOKENS, NOT_PERMITTED or INVALID_FIELD
   */
  create(userId: string, name: string, validDays: number, maker: string | undefined): Promise<NewToken> {
    return this.#audit.noting(async () => {
      const claim = maker === undefined ? undefined : await this.#makers.claimOf(maker);
      return this.#credentials.change(async (change) => {
        const by = await this.#makers.makerIn(change, claim);
        const id = await liveUser(change, userId);
        const validMs = this.#makers.lifetimeMs(by, id, validDays, defaultTokenDays, change.nowMs);
        const tokens = await change.reads.of(id, 'token');
        if (tokens.some((token) => token.name === name)) throw tokenNameTaken(name);
        if (tokens.length >= maxTokens) throw tooManyTokens(maxTokens);
        await change.note(`token "${name}" made for user ${id}`);
        const made = await change.make('token', { userId: id, name, validMs, madeBy: by.kind });
        return { ...made, madeBy: by.kind };
      });
    });
  }

  /** The tokens of a user that have not expired, by name. */
  async list(userId: string): Promise<Credential[]> {
    const tokens = await this.#credentials.reads.of(BigInt(userId), 'token');
    return tokens.toSorted((a, b) => compareText(a.name, b.name));
  }

  /** Revokes a token. @throws RpcError TOKEN_NOT_FOUND */
  revoke(userId: string, name: string): Promise<void> {
    return this.#credentials.change(async (change) => {
      if ((await change.revoke(BigInt(userId), { kind: 'token', name })) === 0) throw tokenNotFound(name);
      await change.note(`token "${name}" of user ${userId} revoked`);
    });
  }

  /** Makes a ticket that stands for the credential of the call, once. @param maker undefined in protected mode */
  createTicket(maker: string | undefined): Promise<NewCredential> {
    return this.#audit.noting(async () => {
      const claim = maker === undefined ? undefined : await this.#makers.claimOf(maker);
      return this.#credentials.change(async (change) => {
        const by = await this.#makers.makerIn(change, claim);
        const name = claim === undefined ? '' : standingFor(claim);
        const validMs = Math.min(ticketMs, by.expiresMs - Number(change.nowMs));
        return change.make('ticket', { userId: BigInt(by.userId), name, validMs, madeBy: by.kind });
      });
    });
  }

  /** For Authorization: a ticket is used up, and its stream goes on as long as what it was made by holds. */
  readonly redeem = (credential: string): Promise<Redeemed> | undefined => {
    return kindOfSecret(credential) === 'ticket' ? this.#redeemTicket(credential) : undefined;
  };

  async #redeemTicket(credential: string): Promise<Redeemed> {
    // What is made up costs a look, and no place in the queue of writes.
    if ((await this.#credentials.reads.byHash([hashOfSecret(credential)])).size === 0) throw ticketInvalid();
    return this.#credentials.change(async (change) => {
      const ticket = await change.take('ticket', credential);
      if (ticket === undefined || ticket.name === '') throw ticketInvalid();
      return { credential: ticket.name, as: 'ticket' as const };
    });
  }
}

function ticketInvalid(): RpcError {
  return credentialInvalid('the ticket is unknown, was used or has expired');
}
