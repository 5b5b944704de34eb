import type { Kysely, RawBuilder, SqlBool, Transaction } from 'kysely';
import type { UsersDatabase } from './tables.ts';

/** A statement that is run for many rows. */
export interface BulkStatement {
  readonly verb: 'insert' | 'update' | 'upsert';
  readonly table: keyof UsersDatabase;
  /** The columns that each row gives, the key first. */
  readonly columns: readonly (readonly [name: string, type: 'integer' | 'text' | 'bytes'])[];
}

/** A database that holds the directory. What differs between the two stands here; all else is said once, in kysely. */
export interface Engine {
  readonly name: 'sqlite' | 'postgres';
  /** How many searches it carries out at a time, so that all else goes on; undefined where they take turns of another kind. */
  readonly searchesAtOnce?: number;
  /** Reads, and sees what is committed. */
  readonly db: Kysely<UsersDatabase>;
  /** Where transactions write. */
  readonly writer: Kysely<UsersDatabase>;
  /** Runs a statement for many rows. */
  bulk(db: Transaction<UsersDatabase>, statement: BulkStatement, rows: readonly object[]): Promise<void>;
  /** Whether a column is one of these values; it takes any number of them. */
  isOneOf(column: 'id', values: readonly bigint[]): RawBuilder<SqlBool>;
  isOneOf(column: 'email_key', values: readonly string[]): RawBuilder<SqlBool>;
  /**
   * Makes this transaction the only one that writes, until it ends: the numbers of the changes are then in the order of
   * the commits, and what it has read stays true.
   */
  lockWriters(db: Transaction<UsersDatabase>): Promise<void>;
  /** Tells other processes, once the transaction is committed, that there are changes. It is a hint and may get lost. */
  announceChanges(db: Transaction<UsersDatabase>): Promise<void>;
  /** Calls back when another process has announced changes, or may have. */
  onAnnounced(listener: () => void): void;
  /** Whether the database answers. It settles within two seconds. */
  answers(): Promise<boolean>;
  close(): Promise<void>;
}
