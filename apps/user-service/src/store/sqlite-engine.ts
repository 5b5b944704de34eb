import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Kysely, type RawBuilder, sql, type SqlBool } from 'kysely';
import { oneRowSql } from './bulk-sql.ts';
import type { BulkStatement, Engine } from './engine.ts';
import { migrate } from './migrations.ts';
import { NodeSqlite } from './node-sqlite.ts';
import { NodeSqliteDialect } from './sqlite-dialect.ts';
import { isSqliteError, sqliteBusy } from './sqlite-errors.ts';
import { readDirectly } from './prepared.ts';
import { SqliteLock } from './sqlite-lock.ts';
import { SqliteWriter, SqliteWriterDialect } from './sqlite-writer.ts';
import type { UsersDatabase } from './tables.ts';

/**
 * Opens `users.sqlite` in a directory, which is made if it is missing, and brings it up to date.
 *
 * @throws Error when another process has it open, it cannot be opened, or a newer version of the service wrote it
 */
export async function openSqlite(dataDir: string): Promise<Engine> {
  const file = join(dataDir, 'users.sqlite');
  try {
    makeDirectory(dataDir);
  } catch (cause) {
    throw new Error(`DATA_DIR: cannot make ${dataDir}: ${messageOf(cause)}`, { cause });
  }
  let lock: SqliteLock;
  let database: NodeSqlite;
  try {
    lock = new SqliteLock(join(dataDir, 'users.lock'));
  } catch (cause) {
    throw cannotOpen(file, cause);
  }
  try {
    database = new NodeSqlite(file);
  } catch (cause) {
    lock.close();
    throw cannotOpen(file, cause);
  }
  const reader = new Kysely<UsersDatabase>({ dialect: new NodeSqliteDialect({ database }) });
  try {
    await migrate(reader, 'sqlite');
  } catch (cause) {
    await reader.destroy();
    lock.close();
    throw new Error(`cannot bring ${file} up to date: ${messageOf(cause)}`, { cause });
  }
  readDirectly(reader, (statement, parameters) => database.prepare(statement).all(parameters));
  return new SqliteEngine(lock, reader, new SqliteWriter(file));
}

function cannotOpen(file: string, cause: unknown): Error {
  const why = isSqliteError(cause, sqliteBusy) ? 'another process has it open' : messageOf(cause);
  return new Error(`cannot open ${file}: ${why}`, { cause });
}

/** The embedded store: one file, one process, a connection that reads and one that writes. */
class SqliteEngine implements Engine {
  readonly name = 'sqlite';
  readonly db: Kysely<UsersDatabase>;
  readonly writer: Kysely<UsersDatabase>;
  readonly #lock: SqliteLock;
  readonly #writer: SqliteWriter;

  constructor(lock: SqliteLock, reader: Kysely<UsersDatabase>, writer: SqliteWriter) {
    this.#lock = lock;
    this.#writer = writer;
    this.db = reader;
    this.writer = new Kysely<UsersDatabase>({ dialect: new SqliteWriterDialect(writer) });
  }

  /** The rows go past kysely, which would take longer for each than SQLite does. The transaction has the one connection. */
  async bulk(_db: unknown, statement: BulkStatement, rows: readonly object[]): Promise<void> {
    if (rows.length === 0) return;
    const names = statement.columns.map(([name]) => name);
    if (statement.verb === 'update') names.push(...names.splice(0, 1));
    const values = (rows as readonly Record<string, unknown>[]).map((row) => names.map((name) => small(row[name])));
    await this.#writer.run({ kind: 'rows', sql: oneRowSql(statement), rows: values });
  }

  isOneOf(column: string, values: readonly (bigint | string)[]): RawBuilder<SqlBool> {
    const json = `[${values.map((value) => (typeof value === 'bigint' ? value : JSON.stringify(value))).join(',')}]`;
    return sql`${sql.ref(column)} in (select value from json_each(${json}))`;
  }

  /** There is one connection that writes, and a transaction has it to itself. */
  lockWriters(): Promise<void> {
    return Promise.resolve();
  }

  announceChanges(): Promise<void> {
    return Promise.resolve();
  }

  onAnnounced(): void {} // there is no other process

  answers(): Promise<boolean> {
    return Promise.resolve(this.#writer.lives);
  }

  async close(): Promise<void> {
    await this.writer.destroy();
    await this.#writer.close();
    await this.db.destroy();
    this.#lock.close();
  }
}

/** The same integer, as a number where that is exact: it is copied and bound in a fraction of the time. */
function small(value: unknown): unknown {
  return typeof value === 'bigint' && value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER
    ? Number(value)
    : value;
}

/** Makes a directory and its parents. Node's own `recursive` never returns where the system refuses new files, as /proc does. */
function makeDirectory(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) return;
  if (found !== undefined) throw new Error(`${path} is no directory`);
  makeDirectory(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
