import type { Selectable, Transaction } from 'kysely';
import { hashOfSecret, newSecret, type SecretKind } from '../sign-in/secrets.ts';
import { appendAudit } from './audit-chain.ts';
import { currentOrigin, type Origin } from './audit-entry.ts';
import type { Engine } from './engine.ts';
import type { CredentialsTable, UsersDatabase } from './tables.ts';
import type { WriteQueue } from './write-queue.ts';

export type Credential = Selectable<CredentialsTable>;

/** A credential that was just made. The secret is in nobody else's hands. */
export interface NewCredential {
  readonly secret: string;
  readonly createTimeMs: bigint;
  readonly expireTimeMs: bigint;
}

/** A user, as far as it matters for what they may do. */
export interface UserRights {
  readonly id: bigint;
  readonly type: bigint;
  /** 0 while the user is live. */
  readonly delete_time_ms: bigint;
}

/** A transaction that changes credentials. */
export interface CredentialsTransaction {
  /** Makes a credential. It replaces one that has the same name and has expired. */
  make(kind: SecretKind, of: { userId: bigint; name?: string; validMs: number }): Promise<NewCredential>;
  /** Removes a credential, if it is there and has not expired. A secret works once this way, among all processes. */
  take(kind: SecretKind, secret: string): Promise<Credential | undefined>;
  /** Removes credentials of a user. @returns how many have not expired */
  revoke(userId: bigint, which?: { readonly kind: SecretKind; readonly name: string }): Promise<number>;
  /** Removes the one with this hash. */
  revokeOne(hash: Uint8Array): Promise<void>;
  /** Those of a user that have not expired. */
  of(userId: bigint, kind: SecretKind): Promise<Credential[]>;
  /** The user with this id. */
  user(userId: bigint): Promise<UserRights | undefined>;
  /** Writes into the audit log what is done here. */
  note(text: string): Promise<void>;
}

/** What users sign in by, in the store. */
export class Credentials {
  readonly #engine: Engine;
  readonly #writes: WriteQueue;
  readonly #now: () => number;

  constructor(engine: Engine, writes: WriteQueue, now: () => number) {
    this.#engine = engine;
    this.#writes = writes;
    this.#now = now;
  }

  /** Runs a transaction. It is on the disk when this settles. */
  change<T>(run: (credentials: CredentialsTransaction) => Promise<T>): Promise<T> {
    const origin = currentOrigin(); // a transaction runs outside of calls
    return this.#writes.exclusively((db) => run(this.#transaction(db, origin)));
  }

  /** The credentials with these hashes that have not expired, by the hash in base64. */
  async byHash(hashes: readonly Uint8Array[]): Promise<Map<string, Credential>> {
    if (hashes.length === 0) return new Map();
    const rows = await this.#engine.db
      .selectFrom('credentials')
      .selectAll()
      .where('hash', 'in', [...hashes])
      .where('expire_time_ms', '>', BigInt(this.#now()))
      .execute();
    return new Map(rows.map((row) => [Buffer.from(row.hash).toString('base64'), row]));
  }

  /** What the tokens of a user are called, and when they expire; by name. */
  async tokensOf(userId: bigint): Promise<Credential[]> {
    return this.#engine.db
      .selectFrom('credentials')
      .selectAll()
      .where('user_id', '=', userId)
      .where('kind', '=', 'token')
      .where('expire_time_ms', '>', BigInt(this.#now()))
      .orderBy('name')
      .execute();
  }

  /** The users with these ids, deleted ones too. */
  async usersById(ids: readonly bigint[]): Promise<Map<bigint, UserRights>> {
    if (ids.length === 0) return new Map();
    const rows = await this.#engine.db
      .selectFrom('users')
      .select(['id', 'type', 'delete_time_ms'])
      .where(this.#engine.isOneOf('id', ids))
      .execute();
    return new Map(rows.map((row) => [row.id, row]));
  }

  /** The live users with these addresses, given and found by what makes addresses the same. */
  async usersByEmail(keys: readonly string[]): Promise<Map<string, UserRights>> {
    if (keys.length === 0) return new Map();
    const rows = await this.#engine.db
      .selectFrom('users')
      .select(['id', 'type', 'delete_time_ms', 'email_key'])
      .where(this.#engine.isOneOf('email_key', keys))
      .where('email_key', '<>', '')
      .where('delete_time_ms', '=', 0n)
      .execute();
    return new Map(rows.map((row) => [row.email_key, row]));
  }

  /** The administrators who are live, those with the lowest ids first. */
  async administrators(most: number): Promise<bigint[]> {
    const rows = await this.#engine.db
      .selectFrom('users')
      .select('id')
      .where('type', '=', 2n)
      .where('delete_time_ms', '=', 0n)
      .orderBy('id')
      .limit(most)
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

  #transaction(db: Transaction<UsersDatabase>, origin: Origin): CredentialsTransaction {
    const nowMs = BigInt(Math.floor(this.#now()));
    const isLive = (row: Credential): boolean => row.expire_time_ms > nowMs;
    return {
      make: async (kind, { userId, name = '', validMs }) => {
        const secret = newSecret(kind);
        const expireTimeMs = nowMs + BigInt(validMs);
        if (name !== '') {
          await db
            .deleteFrom('credentials')
            .where('user_id', '=', userId)
            .where('kind', '=', kind)
            .where('name', '=', name)
            .where('expire_time_ms', '<=', nowMs)
            .execute();
        }
        await db
          .insertInto('credentials')
          .values({
            hash: hashOfSecret(secret),
            kind,
            user_id: userId,
            name,
            create_time_ms: nowMs,
            expire_time_ms: expireTimeMs,
          })
          .execute();
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
      revoke: async (userId, which) => {
        let query = db.deleteFrom('credentials').where('user_id', '=', userId);
        if (which !== undefined) query = query.where('kind', '=', which.kind).where('name', '=', which.name);
        return (await query.returningAll().execute()).filter(isLive).length;
      },
      revokeOne: async (hash) => {
        await db.deleteFrom('credentials').where('hash', '=', hash).execute();
      },
      of: async (userId, kind) => {
        const rows = await db
          .selectFrom('credentials')
          .selectAll()
          .where('user_id', '=', userId)
          .where('kind', '=', kind)
          .execute();
        return rows.filter(isLive);
      },
      user: async (userId) =>
        (await db.selectFrom('users').select(['id', 'type', 'delete_time_ms']).where('id', '=', userId).execute())[0],
      note: (note) => appendAudit(this.#engine, db, nowMs, [{ ...origin, note }]),
    };
  }
}
