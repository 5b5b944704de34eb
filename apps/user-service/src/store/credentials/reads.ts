import type { Kysely, Selectable } from 'kysely';
import type { Engine } from '../engine/engine.ts';
import type { CredentialsTable, UsersDatabase } from '../engine/tables.ts';

export type Credential = Selectable<CredentialsTable>;

/** A user, as far as it matters for what they may do. */
export interface UserRights {
  readonly id: bigint;
  readonly type: bigint;
  readonly email: string;
  /** 0 while the user is live. */
  readonly delete_time_ms: bigint;
  /** What was issued until then does not stand for the user any more; 0 when nothing was revoked. */
  readonly revoke_time_ms: bigint;
}

/** Reads what stands for whom: in a transaction, or what is committed. */
export class CredentialReads {
  readonly #engine: Engine;
  readonly #db: Kysely<UsersDatabase>;
  readonly #now: () => number;

  constructor(engine: Engine, db: Kysely<UsersDatabase>, now: () => number) {
    this.#engine = engine;
    this.#db = db;
    this.#now = now;
  }

  /** The credentials with these hashes that have not expired, by the hash in base64. */
  async byHash(hashes: readonly Uint8Array[]): Promise<Map<string, Credential>> {
    if (hashes.length === 0) return new Map();
    const rows = await this.#db
      .selectFrom('credentials')
      .selectAll()
      .where('hash', 'in', [...hashes])
      .where('expire_time_ms', '>', BigInt(this.#now()))
      .execute();
    return new Map(rows.map((row) => [Buffer.from(row.hash).toString('base64'), row]));
  }

  /** Those of a user and a kind that have not expired, the latest first. */
  async of(userId: bigint, kind: 'session' | 'token'): Promise<Credential[]> {
    return this.#db
      .selectFrom('credentials')
      .selectAll()
      .where('user_id', '=', userId)
      .where('kind', '=', kind)
      .where('expire_time_ms', '>', BigInt(this.#now()))
      .orderBy('create_time_ms', 'desc')
      .orderBy('hash')
      .execute();
  }

  /** The users with these ids, deleted ones too. */
  async usersById(ids: readonly bigint[]): Promise<Map<bigint, UserRights>> {
    if (ids.length === 0) return new Map();
    const rows = await this.#users().where(this.#engine.isOneOf('id', ids)).execute();
    return new Map(rows.map((row) => [row.id, rights(row)]));
  }

  /** The live users with these addresses, given and found by `emailKey`. */
  async usersByEmail(keys: readonly string[]): Promise<Map<string, UserRights>> {
    if (keys.length === 0) return new Map();
    const rows = await this.#users()
      .where(this.#engine.isOneOf('email_key', keys))
      .where('email_key', '<>', '')
      .where('delete_time_ms', '=', 0n)
      .execute();
    return new Map(rows.map((row) => [row.email_key, rights(row)]));
  }

  #users() {
    return this.#db
      .selectFrom('users')
      .leftJoin('revocations', 'revocations.user_id', 'users.id')
      .select(['id', 'type', 'email', 'email_key', 'delete_time_ms', 'time_ms']);
  }
}

function rights({ time_ms, ...row }: Omit<UserRights, 'revoke_time_ms'> & { time_ms: bigint | null }): UserRights {
  return { ...row, revoke_time_ms: time_ms ?? 0n };
}
