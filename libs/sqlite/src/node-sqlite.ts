import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { SqliteDatabase, SqliteStatement } from 'kysely';

// The thread that writes runs this file too: it imports nothing but node:sqlite, which keeps that thread small.

/** How many prepared statements are kept. */
const maxStatements = 200;

/** How long to wait for a lock that another connection is about to let go, in milliseconds. */
const busyTimeoutMs = 1000;

/** How large the log may grow before it is written back into the file, in pages of 4 KiB. @see docs/decisions/0010 */
const checkpointPages = 4000;

/**
 * A connection of node:sqlite in the shape of better-sqlite3, which kysely's dialect is made for. What is committed is
 * on the disk (WAL, synchronous=FULL). Integers come back as bigints.
 */
export class NodeSqlite implements SqliteDatabase {
  readonly #database: DatabaseSync;
  /** By their SQL, the one used last at the end. */
  readonly #statements = new Map<string, NodeSqliteStatement>();

  readonly #told: (error: unknown) => unknown;

  /**
   * @param told what is thrown in place of an error of a statement
   * @throws Error of SQLite, with its `errcode`, when it cannot be opened
   */
  constructor(file: string | URL, { readOnly = false, told = (error: unknown): unknown => error } = {}) {
    this.#told = told;
    this.#database = new DatabaseSync(file, { timeout: busyTimeoutMs, readOnly });
    if (readOnly) return;
    try {
      this.#database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = -65536');
      this.#database.exec(`pragma wal_autocheckpoint = ${checkpointPages}`);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** Whether a transaction is open. */
  get isInTransaction(): boolean {
    return this.#database.isTransaction;
  }

  prepare(sql: string): NodeSqliteStatement {
    const statement = this.#statements.get(sql) ?? this.#prepare(sql);
    this.#statements.delete(sql);
    this.#statements.set(sql, statement);
    if (this.#statements.size > maxStatements) {
      const [oldest] = this.#statements.keys();
      if (oldest !== undefined) this.#statements.delete(oldest);
    }
    return statement;
  }

  #prepare(sql: string): NodeSqliteStatement {
    try {
      return new NodeSqliteStatement(this.#database.prepare(sql), this.#told);
    } catch (error) {
      throw this.#told(error);
    }
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }
}

export class NodeSqliteStatement implements SqliteStatement {
  readonly reader: boolean;
  readonly #statement: StatementSync;
  #columns: readonly string[];

  readonly #told: (error: unknown) => unknown;

  /** @param told what is thrown in place of an error of it */
  constructor(statement: StatementSync, told: (error: unknown) => unknown) {
    this.#statement = statement;
    this.#told = told;
    this.#columns = columnsOf(statement);
    this.reader = this.#columns.length > 0;
    statement.setReadBigInts(true);
    // What node:sqlite makes are dictionaries, which take twice as long to make, and longer to read from.
    statement.setReturnArrays(true);
  }

  all(parameters: readonly unknown[]): unknown[] {
    try {
      return this.#statement.all(...bindable(parameters)).map((values) => this.#row(values));
    } catch (error) {
      throw this.#told(error);
    }
  }

  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint } {
    try {
      return this.#statement.run(...bindable(parameters));
    } catch (error) {
      throw this.#told(error);
    }
  }

  *iterate(parameters: readonly unknown[]): IterableIterator<unknown> {
    try {
      for (const values of this.#statement.iterate(...bindable(parameters))) yield this.#row(values);
    } catch (error) {
      throw this.#told(error);
    }
  }

  /** @param values of one row, an array */
  #row(values: unknown): Record<string, unknown> {
    const row: Record<string, unknown> = {};
    const array = values as readonly unknown[];
    if (array.length !== this.#columns.length) this.#columns = columnsOf(this.#statement); // the table was altered
    this.#columns.forEach((name, at) => (row[name] = array[at]));
    return row;
  }
}

function columnsOf(statement: StatementSync): string[] {
  return statement.columns().map(({ name }) => name);
}

/** kysely does not say what parameters are; node:sqlite throws at those that it cannot bind. */
function bindable(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters as SQLInputValue[];
}
