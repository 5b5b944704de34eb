import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { SqliteAdapter, type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely';
import { databaseFull } from './store-errors.ts';

/** How many prepared statements are kept. */
const maxStatements = 200;

/** How long to wait for a process before us that is about to end, in milliseconds. */
const busyTimeoutMs = 1000;

/** Result codes. @see https://www.sqlite.org/rescode.html */
const sqliteFull = 13;

/** Lets a migration be one transaction. SQLite can do that, and kysely does not count on it. */
class TransactionalDdl extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

const adapter = new TransactionalDdl();

/** kysely's dialect for node:sqlite. */
export class NodeSqliteDialect extends SqliteDialect {
  override createAdapter(): SqliteAdapter {
    return adapter;
  }
}

/**
 * A node:sqlite database in the shape of better-sqlite3, which kysely's dialect is made for. What is committed is on the
 * disk (WAL, synchronous=FULL), and no other process can open the file meanwhile: the lock is the system's, so that it
 * ends with the process, however that ends. Integers come back as bigints.
 *
 * @see https://www.sqlite.org/pragma.html#pragma_locking_mode
 */
export class NodeSqlite implements SqliteDatabase {
  readonly #database: DatabaseSync;
  /** By their SQL, the one used last at the end. */
  readonly #statements = new Map<string, NodeSqliteStatement>();

  /** @throws Error of SQLite, with its `errcode`, when another process has the file open or it cannot be opened */
  constructor(file: string) {
    this.#database = new DatabaseSync(file, { timeout: busyTimeoutMs });
    try {
      // The lock comes first: set before WAL is entered, it also makes the WAL index private memory.
      this.#database.exec('pragma locking_mode = exclusive; begin exclusive; commit');
      this.#database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = -65536');
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  prepare(sql: string): SqliteStatement {
    if (sql === 'rollback') return this.#rollback;
    const statement = this.#statements.get(sql) ?? new NodeSqliteStatement(this.#database.prepare(sql));
    this.#statements.delete(sql);
    this.#statements.set(sql, statement);
    if (this.#statements.size > maxStatements) {
      const [oldest] = this.#statements.keys();
      if (oldest !== undefined) this.#statements.delete(oldest);
    }
    return statement;
  }

  /** On some errors, as of a full disk, SQLite has rolled back by itself. */
  readonly #rollback: SqliteStatement = {
    reader: false,
    all: () => [],
    iterate: () => [][Symbol.iterator](),
    run: () => {
      if (this.#database.isTransaction) this.#database.exec('rollback');
      return { changes: 0, lastInsertRowid: 0 };
    },
  };

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }
}

class NodeSqliteStatement implements SqliteStatement {
  readonly reader: boolean;
  readonly #statement: StatementSync;

  constructor(statement: StatementSync) {
    this.#statement = statement;
    this.reader = statement.columns().length > 0;
    statement.setReadBigInts(true);
  }

  all(parameters: readonly unknown[]): unknown[] {
    return told(() => this.#statement.all(...bindable(parameters)));
  }

  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint } {
    return told(() => this.#statement.run(...bindable(parameters)));
  }

  iterate(parameters: readonly unknown[]): IterableIterator<unknown> {
    return this.#statement.iterate(...bindable(parameters));
  }
}

function told<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw isSqliteError(error, sqliteFull) ? databaseFull(error) : error;
  }
}

/** Whether SQLite threw this, with this result code. */
export function isSqliteError(error: unknown, code: number): error is Error {
  return error instanceof Error && 'errcode' in error && error.errcode === code;
}

/** kysely does not say what parameters are; node:sqlite throws at those that it cannot bind. */
function bindable(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters as SQLInputValue[];
}
