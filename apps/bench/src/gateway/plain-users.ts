import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

/** A row of `users`, as user-service makes the table. */
export interface UserRow {
  readonly id: bigint;
  readonly name: string;
  readonly email: string;
  readonly email_key: string;
  /** -1 when it is not known. */
  readonly age: bigint;
  readonly type: bigint;
  readonly create_time_ms: bigint;
  readonly update_time_ms: bigint;
  readonly delete_time_ms: bigint;
  readonly purge_time_ms: bigint;
}

/** What of a user the caller decides. With id 0 the store chooses one. */
export type NewUserRow = Pick<UserRow, 'id' | 'name' | 'email' | 'age' | 'type'>;

const insertSql =
  'insert into users (id, name, name_key, email, email_key, age, type, create_time_ms, update_time_ms, ' +
  'delete_time_ms, purge_time_ms) values (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0) on conflict do nothing returning *';

/**
 * The users of user-service's own file, as one would write it by hand: prepared statements, each user committed alone.
 * The pragmas are those of user-service. It keeps no log of
 * changes.
 */
export class PlainUsers {
  readonly #db: DatabaseSync;
  readonly #find: StatementSync;
  readonly #takeId: StatementSync;
  readonly #insert: StatementSync;

  constructor(dataDir: string) {
    this.#db = new DatabaseSync(join(dataDir, 'users.sqlite'));
    this.#db.exec('pragma locking_mode = exclusive; begin exclusive; commit');
    this.#db.exec('pragma journal_mode = wal; pragma synchronous = full');
    this.#find = this.#prepare('select * from users where id = ?');
    this.#takeId = this.#prepare(
      "update counters set value = value + 1 where name = 'user_id' returning value - 1 as id",
    );
    this.#insert = this.#prepare(insertSql);
  }

  get(id: bigint): UserRow | undefined {
    return this.#find.get(id) as UserRow | undefined;
  }

  /** It returns when the user is on the disk; undefined when the id or the address is taken. */
  create({ id: chosen, name, email, age, type }: NewUserRow): UserRow | undefined {
    this.#db.exec('begin immediate');
    try {
      const id = chosen === 0n ? (this.#takeId.get() as { id: bigint }).id : chosen;
      const nowMs = BigInt(Date.now());
      const nameKey = name.normalize('NFKC').toLowerCase();
      const emailKey = email.normalize('NFC').toLowerCase();
      const row = this.#insert.get(id, name, nameKey, email, emailKey, age, type, nowMs, nowMs) as UserRow | undefined;
      this.#db.exec(row === undefined ? 'rollback' : 'commit');
      return row;
    } catch (error) {
      this.#db.exec('rollback');
      throw error;
    }
  }

  #prepare(sql: string): StatementSync {
    const statement = this.#db.prepare(sql);
    statement.setReadBigInts(true);
    return statement;
  }
}

/** What tells the versions of a user apart, as user-service writes it. */
export function etagOf({ create_time_ms, update_time_ms }: UserRow): string {
  return `${create_time_ms.toString(36)}-${update_time_ms.toString(36)}`;
}
