import { Logger } from '@nestjs/common';
import type { Transaction } from 'kysely';
import { hashOfSecret, newSecret, type SecretKind } from './secrets.ts';
import { appendAudit } from '../audit/chain.ts';
import { currentOrigin, type Origin } from '../audit/entry.ts';
import { type Credential, CredentialReads } from './reads.ts';
import type { Engine } from '../engine/engine.ts';
import { revokeAll } from './revocations.ts';
import type { UsersDatabase } from '../engine/tables.ts';
import type { WriteQueue } from '../changes/write-queue.ts';

/** A credential that was just made. The secret is in nobody else's hands. */
export interface NewCredential {
  readonly secret: string;
  readonly createTimeMs: bigint;
  readonly expireTimeMs: bigint;
}

/** What a credential is to be. */
export interface CredentialToMake {
  readonly userId: bigint;
  readonly name?: string;
  readonly validMs: number;
  readonly madeBy: string;
  readonly agent?: string;
}

/** A transaction that changes credentials. */
export interface CredentialsTransaction {
  readonly nowMs: bigint;
  /** Reads within the transaction: nothing of it changes before the commit. */
  readonly reads: CredentialReads;
  /** Makes a credential. It replaces one that has the same name and has expired. */
  make(kind: SecretKind, of: CredentialToMake): Promise<NewCredential>;
  /** Removes a credential, if it is there and has not expired. A secret works once this way, among all processes. */
  take(kind: SecretKind, secret: string): Promise<Credential | undefined>;
  /** Removes credentials of a user that have a name. @returns how many have not expired */
  revoke(userId: bigint, which: { readonly kind: SecretKind; readonly name: string }): Promise<number>;
  /** Removes all that a user signs in by, and all that was issued until now stands for nobody. @returns how many there were */
  revokeAll(userId: bigint): Promise<number>;
  /** Removes the one with this hash. */
  revokeOne(hash: Uint8Array): Promise<void>;
  /** Remembers that a token of the issuer was signed out, until it expires. */
  end(hash: Uint8Array, of: { readonly userId: bigint; readonly expireTimeMs: bigint }): Promise<void>;
  /** Writes into the audit log what is done here. */
  note(text: string): Promise<void>;
}

/** How often it is written that a credential is in use, in milliseconds. */
const useMs = 5 * 60 * 1000;

/** The longest that anything is valid, in milliseconds. */
export const maxValidMs = 400 * 24 * 60 * 60 * 1000;

const logger = new Logger('credentials');

/** What users sign in by, in the store. */
export class Credentials {
  /** Reads what is committed. */
  readonly reads: CredentialReads;
  readonly #engine: Engine;
  readonly #writes: WriteQueue;
  readonly #now: () => number;
  /** The hashes of those that were used, and it is not written yet. */
  readonly #used = new Map<string, Uint8Array>();
  #writingUse: Promise<void> | undefined;

  constructor(engine: Engine, writes: WriteQueue, now: () => number) {
    this.#engine = engine;
    this.#writes = writes;
    this.#now = now;
    this.reads = new CredentialReads(engine, engine.db, now);
  }

  /** Runs a transaction. It is on the disk when this settles. */
  change<T>(run: (credentials: CredentialsTransaction) => Promise<T>): Promise<T> {
    const origin = currentOrigin(); // a transaction runs outside of calls
    return this.#writes.exclusively((db) => run(this.#transaction(db, origin)));
  }

  /** Notes that credentials are in use, where that was not noted just now. Nobody waits for it. */
  used(credentials: Iterable<Credential>): void {
    const since = BigInt(Math.floor(this.#now()) - useMs);
    for (const { hash, last_use_time_ms } of credentials)
      if (last_use_time_ms <= since) this.#used.set(Buffer.from(hash).toString('base64'), hash);
    if (this.#used.size > 0) this.#writingUse ??= this.#writeUse();
  }

  /** Waits for what is being written. */
  async settled(): Promise<void> {
    await this.#writingUse;
  }

  /** The administrators who are live, those with the lowest ids first. */
  async administrators(max: number): Promise<bigint[]> {
    const rows = await this.#engine.db
      .selectFrom('users')
      .select('id')
      .where('type', '=', 2n)
      .where('delete_time_ms', '=', 0n)
      .orderBy('id')
      .limit(max)
      .execute();
    return rows.map(({ id }) => id);
  }

  /** Whether somebody of these can sign in, or is signed in. */
  async anySignedIn(userIds: readonly bigint[]): Promise<boolean> {
    if (userIds.length === 0) return false;
    const found = await this.#engine.db
      .selectFrom('credentials')
      .select('kind')
      .where('user_id', 'in', [...userIds])
      .where('kind', 'in', ['session', 'token'])
      .where('expire_time_ms', '>', BigInt(this.#now()))
      .limit(1)
      .execute();
    return found.length > 0;
  }

  async #writeUse(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve)); // with all that are looked up in this turn
    try {
      const hashes = [...this.#used.values()].slice(0, 500);
      for (const hash of hashes) this.#used.delete(Buffer.from(hash).toString('base64'));
      const nowMs = BigInt(Math.floor(this.#now()));
      await this.#writes.exclusively((db) =>
        db
          .updateTable('credentials')
          .set({ last_use_time_ms: nowMs })
          .where('hash', 'in', hashes)
          .where('last_use_time_ms', '<=', nowMs - BigInt(useMs))
          .execute(),
      );
    } catch (error) {
      // It is a hint for people. The next use is noted again.
      logger.debug(`when credentials were used is not written: ${String(error)}`);
    } finally {
      this.#writingUse = undefined;
    }
  }

  #transaction(db: Transaction<UsersDatabase>, origin: Origin): CredentialsTransaction {
    const nowMs = BigInt(Math.floor(this.#now()));
    const isLive = (row: Credential): boolean => row.expire_time_ms > nowMs;
    const put = (row: Partial<Credential> & Pick<Credential, 'hash' | 'kind' | 'user_id' | 'expire_time_ms'>) =>
      db
        .insertInto('credentials')
        .values({ name: '', create_time_ms: nowMs, made_by: '', agent: '', last_use_time_ms: 0n, ...row });
    return {
      nowMs,
      reads: new CredentialReads(this.#engine, db, () => Number(nowMs)),
      make: async (kind, { userId, name = '', validMs, madeBy, agent = '' }) => {
        const secret = newSecret(kind);
        const expireTimeMs = nowMs + BigInt(Math.floor(Math.min(Math.max(validMs, 0), maxValidMs)));
        if (name !== '') {
          await db
            .deleteFrom('credentials')
            .where('user_id', '=', userId)
            .where('kind', '=', kind)
            .where('name', '=', name)
            .where('expire_time_ms', '<=', nowMs)
            .execute();
        }
        const made = { made_by: madeBy, agent, expire_time_ms: expireTimeMs };
        await put({ hash: hashOfSecret(secret), kind, user_id: userId, name, ...made }).execute();
        return { secret, createTimeMs: nowMs, expireTimeMs };
      },
      take: async (kind, secret) => {
        const [row] = await db
          .deleteFrom('credentials')
          .where('hash', '=', hashOfSecret(secret))
          .where('kind', '=', kind)
          .returningAll()
          .execute();
        return row !== undefined && isLive(row) ? row : undefined;
      },
      revoke: async (userId, { kind, name }) => {
        const rows = await db
          .deleteFrom('credentials')
          .where('user_id', '=', userId)
          .where('kind', '=', kind)
          .where('name', '=', name)
          .returningAll()
          .execute();
        return rows.filter(isLive).length;
      },
      revokeAll: async (userId) => (await revokeAll(this.#engine, db, [userId], nowMs)).filter(isLive).length,
      revokeOne: async (hash) => {
        await db.deleteFrom('credentials').where('hash', '=', hash).execute();
      },
      end: async (hash, { userId, expireTimeMs }) => {
        await put({ hash, kind: 'ended', user_id: userId, expire_time_ms: expireTimeMs })
          .onConflict((conflict) => conflict.column('hash').doNothing())
          .execute();
      },
      note: (note) => appendAudit(this.#engine, db, nowMs, [{ ...origin, note }]),
    };
  }
}
