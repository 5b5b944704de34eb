import { credentialInvalid, type Redeemed } from '@rollcall/access';
import type { RpcError } from '@rollcall/grpc';
import { user } from '@rollcall/proto';
import { currentOrigin } from '../store/audit-entry.ts';
import type { AuditLog } from '../store/audit-log.ts';
import type { Credential, Credentials, CredentialsTransaction, NewCredential } from '../store/credentials.ts';
import { liveUserNotFound } from '../user-errors.ts';
import { byHash, byUserId } from './look-up-callers.ts';
import { hashOfSecret, kindOfSecret } from './secrets.ts';
import { linkInvalid, localSignInOff, tokenNameTaken, tokenNotFound, tooManyTokens } from './sign-in-errors.ts';

const dayMs = 24 * 60 * 60 * 1000;
const ticketMs = 30_000;
const firstLinkMs = dayMs;
const defaultLinkDays = 7;
const defaultTokenDays = 90;
const maxTokens = 100;

/** The name of links that were made when nobody could sign in. */
const firstLink = 'first';

export interface SignInOptions {
  /** Whether users sign in by links. */
  readonly links: boolean;
  /** How long a session lasts, in milliseconds. */
  readonly sessionMs: number;
  /** Under which address browsers reach the gateway. */
  readonly publicUrl: string;
}

/** What users sign in by: it is made here, and here it is used up. */
export class SignIn {
  readonly #credentials: Credentials;
  readonly #audit: AuditLog;
  readonly #options: SignInOptions;

  constructor(credentials: Credentials, audit: AuditLog, options: SignInOptions) {
    this.#credentials = credentials;
    this.#audit = audit;
    this.#options = options;
  }

  /** Signs in by a link, which is used up. @throws RpcError LINK_INVALID or LOCAL_SIGN_IN_OFF */
  async createSession(link: string): Promise<NewCredential & { readonly userId: bigint }> {
    this.#requireLinks();
    const made = kindOfSecret(link) === 'link' ? await this.#redeemLink(link) : undefined;
    if (made !== undefined) return made;
    const error = linkInvalid();
    this.#audit.denied({ ...currentOrigin(), code: error.code, reason: error.reason });
    throw error;
  }

  #redeemLink(link: string): Promise<(NewCredential & { readonly userId: bigint }) | undefined> {
    return this.#credentials.change(async (change) => {
      const taken = await change.take('link', link);
      const who = taken && (await change.user(taken.user_id));
      if (who === undefined || !maySignIn(who)) return undefined;
      await change.note(`session of user ${who.id} begun by link`);
      // Links that were printed for want of a way to sign in are of no more use.
      await change.revoke(who.id, { kind: 'link', name: firstLink });
      return {
        ...(await change.make('session', { userId: who.id, validMs: this.#options.sessionMs })),
        userId: who.id,
      };
    });
  }

  /** Ends the session or token with this secret. */
  async end(secret: string): Promise<void> {
    await this.#credentials.change(async (change) => {
      await change.revokeOne(hashOfSecret(secret));
      await change.note(`${kindOfSecret(secret) ?? 'credential'} ended`);
    });
  }

  /** Makes a link by which a user signs in, once. @throws RpcError USER_NOT_FOUND or LOCAL_SIGN_IN_OFF */
  createLink(userId: string, validDays: number): Promise<{ readonly link: string; readonly expireTimeMs: bigint }> {
    this.#requireLinks();
    return this.#credentials.change(async (change) => {
      const id = await liveUser(change, userId);
      const made = await change.make('link', { userId: id, validMs: (validDays || defaultLinkDays) * dayMs });
      await change.note(`link made for user ${id}`);
      return { link: this.#linkOf(made.secret), expireTimeMs: made.expireTimeMs };
    });
  }

  /** Makes a token. @throws RpcError USER_NOT_FOUND, TOKEN_NAME_TAKEN or TOO_MANY_TOKENS */
  createToken(userId: string, name: string, validDays: number): Promise<NewCredential> {
    return this.#credentials.change(async (change) => {
      const id = await liveUser(change, userId);
      const tokens = await change.of(id, 'token');
      if (tokens.some((token) => token.name === name)) throw tokenNameTaken(name);
      if (tokens.length >= maxTokens) throw tooManyTokens(maxTokens);
      await change.note(`token "${name}" made for user ${id}`);
      return change.make('token', { userId: id, name, validMs: (validDays || defaultTokenDays) * dayMs });
    });
  }

  /** The tokens of a user that have not expired, by name. */
  listTokens(userId: string): Promise<Credential[]> {
    return this.#credentials.tokensOf(BigInt(userId));
  }

  /** Revokes a token. @throws RpcError TOKEN_NOT_FOUND */
  deleteToken(userId: string, name: string): Promise<void> {
    return this.#credentials.change(async (change) => {
      if ((await change.revoke(BigInt(userId), { kind: 'token', name })) === 0) throw tokenNotFound(name);
      await change.note(`token "${name}" of user ${userId} revoked`);
    });
  }

  /** Revokes all that a user signs in by. @returns how many there were */
  revokeAll(userId: string): Promise<number> {
    return this.#credentials.change(async (change) => {
      const count = await change.revoke(BigInt(userId));
      await change.note(`all credentials of user ${userId} revoked: ${count}`);
      return count;
    });
  }

  /** Makes a ticket that stands for a credential, once. */
  createTicket(userId: string, credential: string): Promise<NewCredential> {
    return this.#credentials.change(async (change) => {
      const isSecret = kindOfSecret(credential) !== undefined;
      const name = isSecret ? byHash(hashOfSecret(credential)) : byUserId(BigInt(userId));
      return change.make('ticket', { userId: BigInt(userId), name, validMs: ticketMs });
    });
  }

  /** For Authorization: a ticket is used up, and its call goes on as long as what it was made by holds. */
  readonly redeem = (credential: string): Promise<Redeemed> | undefined => {
    return kindOfSecret(credential) === 'ticket' ? this.#redeemTicket(credential) : undefined;
  };

  async #redeemTicket(credential: string): Promise<Redeemed> {
    // What is made up costs a look, and no place in the queue of writes.
    if ((await this.#credentials.byHash([hashOfSecret(credential)])).size === 0) throw ticketInvalid();
    return this.#credentials.change(async (change) => {
      const ticket = await change.take('ticket', credential);
      if (ticket === undefined) throw ticketInvalid();
      return { credential: ticket.name, as: 'ticket' as const };
    });
  }

  /**
   * Makes a link for the administrator with the lowest id, when no administrator is signed in anywhere: at first, or when
   * all are locked out.
   *
   * @param createAdministrator makes one in a directory that has none
   * @returns the link; undefined when it is not needed
   */
  async firstLink(createAdministrator: () => Promise<bigint>): Promise<string | undefined> {
    if (!this.#options.links) return undefined;
    const administrators = await this.#credentials.administrators(1000);
    if (await this.#credentials.anySignedIn(administrators)) return undefined;
    const userId = administrators[0] ?? (await createAdministrator());
    return this.#credentials.change(async (change) => {
      const made = await change.make('link', { userId, name: firstLink, validMs: firstLinkMs });
      await change.note(`first link made for user ${userId}`);
      return this.#linkOf(made.secret);
    });
  }

  #linkOf(secret: string): string {
    return `${this.#options.publicUrl}/sign-in#${secret}`;
  }

  #requireLinks(): void {
    if (!this.#options.links) throw localSignInOff();
  }
}

function ticketInvalid(): RpcError {
  return credentialInvalid('the ticket is unknown, was used or has expired');
}

async function liveUser(change: CredentialsTransaction, userId: string): Promise<bigint> {
  const found = await change.user(BigInt(userId));
  if (found === undefined || found.delete_time_ms !== 0n) throw liveUserNotFound(userId);
  return found.id;
}

function maySignIn({ type, delete_time_ms }: { readonly type: bigint; readonly delete_time_ms: bigint }): boolean {
  const role: user.UserType = Number(type);
  return delete_time_ms === 0n && role !== user.UserType.USER_TYPE_DISABLED;
}
