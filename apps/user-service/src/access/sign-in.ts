import { RpcError } from '@rollcall/grpc';
import { user } from '@rollcall/proto';
import type { AuditLog } from '../store/audit/log.ts';
import type { Credential, UserRights } from '../store/credentials/reads.ts';
import type { Credentials, CredentialsTransaction, NewCredential } from '../store/credentials/credentials.ts';
import { liveUserNotFound } from '../users/errors.ts';
import { resolve } from './claims.ts';
import type { Makers } from './makers.ts';
import { kindOfSecret } from '../store/credentials/secrets.ts';
import { linkInvalid, localSignInOff, sessionNotFound } from './sign-in-errors.ts';

const dayMs = 24 * 60 * 60 * 1000;
const firstLinkMs = dayMs;
const defaultLinkDays = 7;
const maxSessions = 100;

/** The name of links that were made when nobody could sign in. */
const firstLink = 'first';

export interface SignInOptions {
  /** Whether users sign in by links. */
  readonly links: boolean;
  /** How long a session lasts, in milliseconds. */
  readonly sessionMs: number;
  /** Whether a link for the administrator is made also when one is signed in. */
  readonly administratorLink: boolean;
  /** Under which address browsers reach the gateway. */
  readonly publicUrl: string;
}

/** What a session is to be, beside what it is begun by. */
export interface SessionToBegin {
  /** What signs in; empty when it does not say. */
  readonly agent: string;
  /** The secret of a session that ends in favour of this one; empty when there is none. */
  readonly replacedSecret: string;
}

/** How people sign in and out: links, and the sessions that these begin. */
export class SignIn {
  readonly #credentials: Credentials;
  readonly #audit: AuditLog;
  readonly #makers: Makers;
  readonly #options: SignInOptions;

  constructor(credentials: Credentials, audit: AuditLog, makers: Makers, options: SignInOptions) {
    this.#credentials = credentials;
    this.#audit = audit;
    this.#makers = makers;
    this.#options = options;
  }

  /** Signs in by a link, which is used up. @throws RpcError LINK_INVALID or LOCAL_SIGN_IN_OFF */
  createSession(link: string, begun: SessionToBegin): Promise<NewCredential & { readonly userId: bigint }> {
    this.#requireLinks();
    return this.#audit.noting(async () => {
      const made = kindOfSecret(link) === 'link' ? await this.#redeemLink(link, begun) : undefined;
      if (made === undefined) throw linkInvalid();
      return made;
    });
  }

  #redeemLink(
    link: string,
    { agent, replacedSecret }: SessionToBegin,
  ): Promise<(NewCredential & { readonly userId: bigint }) | undefined> {
    return this.#credentials.change(async (change) => {
      const taken = await change.take('link', link);
      const who = taken && (await userIn(change, taken.user_id));
      if (who === undefined || !maySignIn(who)) return undefined;
      await change.note(`session of user ${who.id} begun by link`);
      // Links that were printed for want of a way to sign in are of no more use.
      await change.revoke(who.id, { kind: 'link', name: firstLink });
      const replaced = kindOfSecret(replacedSecret) === 'session' && (await change.take('session', replacedSecret));
      if (replaced) await change.note(`session of user ${replaced.user_id} ended: another was begun in its place`);
      const sessions = await change.reads.of(who.id, 'session');
      for (const { hash } of sessions.slice(maxSessions - 1)) await change.revokeOne(hash); // the oldest
      const validMs = this.#options.sessionMs;
      const made = await change.make('session', { userId: who.id, validMs, madeBy: 'link', agent });
      return { ...made, userId: who.id };
    });
  }

  /** Ends the credential that this is. A token of the issuer stands for nobody from then on. */
  async end(credential: string): Promise<void> {
    const claim = await this.#makers.claimOf(credential);
    await this.#credentials.change(async (change) => {
      if (claim.by === 'token') {
        const [known] = await resolve([claim], change.reads);
        if (known === undefined || known instanceof RpcError) return; // it has ended
        const of = { userId: BigInt(known.userId), expireTimeMs: BigInt(claim.expiresMs) };
        await change.end(Buffer.from(claim.hash, 'base64'), of);
      } else if (claim.by === 'hash') await change.revokeOne(Buffer.from(claim.hash, 'base64'));
      await change.note(`${kindOfSecret(credential) ?? 'token of the issuer'} ended`);
    });
  }

  /** The sessions of a user that have not expired, the latest first. */
  listSessions(userId: string): Promise<Credential[]> {
    return this.#credentials.reads.of(BigInt(userId), 'session');
  }

  /** Ends a session. @param name what `sessionName` makes of its hash @throws RpcError SESSION_NOT_FOUND */
  revokeSession(userId: string, name: string): Promise<void> {
    return this.#credentials.change(async (change) => {
      const sessions = await change.reads.of(BigInt(userId), 'session');
      const found = sessions.find(({ hash }) => sessionName(hash) === name);
      if (found === undefined) throw sessionNotFound();
      await change.revokeOne(found.hash);
      await change.note(`session ${name} of user ${userId} ended`);
    });
  }

  /**
   * Makes a link by which a user signs in, once.
   *
   * @param maker the credential of the call; undefined in protected mode
   * @throws RpcError USER_NOT_FOUND, LOCAL_SIGN_IN_OFF, NOT_PERMITTED or INVALID_FIELD
   */
  createLink(
    userId: string,
    validDays: number,
    maker: string | undefined,
  ): Promise<{ readonly link: string; readonly expireTimeMs: bigint }> {
    this.#requireLinks();
    return this.#audit.noting(async () => {
      const claim = maker === undefined ? undefined : await this.#makers.claimOf(maker);
      return this.#credentials.change(async (change) => {
        const by = await this.#makers.makerIn(change, claim);
        const id = await liveUser(change, userId);
        const validMs = this.#makers.lifetimeMs(by, id, validDays, defaultLinkDays, change.nowMs);
        const made = await change.make('link', { userId: id, validMs, madeBy: by.kind });
        await change.note(`link made for user ${id}`);
        return { link: this.#linkOf(made.secret), expireTimeMs: made.expireTimeMs };
      });
    });
  }

  /** Revokes all that a user signs in by. @returns how many there were */
  revokeAll(userId: string): Promise<number> {
    return this.#credentials.change(async (change) => {
      const count = await change.revokeAll(BigInt(userId));
      await change.note(`all credentials of user ${userId} revoked: ${count}`);
      return count;
    });
  }

  /**
   * Makes a link for the administrator with the lowest id, when no administrator is signed in anywhere: at first, or when
   * all are locked out. Where it is configured so, it makes one in any case.
   *
   * @param createAdministrator makes one in a directory that has none
   * @returns the link; undefined when it is not needed
   */
  async firstLink(createAdministrator: () => Promise<bigint>): Promise<string | undefined> {
    const { links, administratorLink } = this.#options;
    if (!links) return undefined;
    const administrators = await this.#credentials.administrators(1000);
    if (!administratorLink && (await this.#credentials.anySignedIn(administrators))) return undefined;
    const userId = administrators[0] ?? (await createAdministrator());
    return this.#credentials.change(async (change) => {
      const made = await change.make('link', { userId, name: firstLink, validMs: firstLinkMs, madeBy: 'system' });
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

/** Names a session, and does not tell its secret: 64 bits of the hash of 256 random ones. */
export function sessionName(hash: Uint8Array): string {
  return Buffer.from(hash.subarray(0, 8)).toString('hex');
}

/** The live user with this id. @throws RpcError USER_NOT_FOUND */
export async function liveUser(change: CredentialsTransaction, userId: string): Promise<bigint> {
  const found = await userIn(change, BigInt(userId));
  if (found === undefined || found.delete_time_ms !== 0n) throw liveUserNotFound(userId);
  return found.id;
}

async function userIn({ reads }: CredentialsTransaction, id: bigint): Promise<UserRights | undefined> {
  return (await reads.usersById([id])).get(id);
}

function maySignIn({ type, delete_time_ms }: UserRights): boolean {
  const role: user.UserType = Number(type);
  return delete_time_ms === 0n && role !== user.UserType.USER_TYPE_DISABLED;
}
