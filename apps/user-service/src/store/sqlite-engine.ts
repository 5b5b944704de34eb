import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Kysely, type RawBuilder, sql, type SqlBool } from 'kysely';
import { oneRowSql } from './bulk-sql.ts';
import type { BulkStatement, Engine } from './engine.ts';
import { migrate } from './migrations.ts';
import { isSqliteError, NodeSqlite, NodeSqliteDialect } from './node-sqlite.ts';
import type { UsersDatabase } from './tables.ts';

const sqliteBusy = 5;

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
  let database: NodeSqlite;
  try {
    database = new NodeSqlite(file);
  } catch (cause) {
    const why = isSqliteError(cause, sqliteBusy) ? 'another process has it open' : messageOf(cause);
    throw new Error(`cannot open ${file}: ${why}`, { cause });
  }
  const engine = new SqliteEngine(database);
  try {
    await migrate(engine.db, 'sqlite');
    return engine;
  } catch (cause) {
    await engine.close();
    throw new Error(`cannot bring ${file} up to date: ${messageOf(cause)}`, { cause });
  }
}

/** The embedded store: one file, one process. */
class SqliteEngine implements Engine {
  readonly name = 'sqlite';
  readonly db: Kysely<UsersDatabase>;
  readonly #database: NodeSqlite;

  constructor(database: NodeSqlite) {
    this.#database = database;
    this.db = new Kysely<UsersDatabase>({ dialect: new NodeSqliteDialect({ database }) });
  }

  /** The rows go past kysely, which would take longer for each than SQLite does. The transaction has the one connection. */
  bulk(_db: unknown, statement: BulkStatement, rows: readonly object[]): Promise<void> {
    const prepared = this.#database.prepare(oneRowSql(statement));
    const names = statement.columns.map(([name]) => name);
    if (statement.verb === 'update') names.push(...names.splice(0, 1));
    for (const row of rows as readonly Record<string, unknown>[]) prepared.run(names.map((name) => row[name]));
    return Promise.resolve();
  }

  isOneOf(column: string, values: readonly (bigint | string)[]): RawBuilder<SqlBool> {
    const json = `[${values.map((value) => (typeof value === 'bigint' ? value : JSON.stringify(value))).join(',')}]`;
    return sql`${sql.ref(column)} in (select value from json_each(${json}))`;
  }

  /** There is one connection, and a transaction has it to itself. */
  lockWriters(): Promise<void> {
    return Promise.resolve();
  }

  announceChanges(): Promise<void> {
    return Promise.resolve();
  }

  onAnnounced(): void {} // there is no other process

  answers(): Promise<boolean> {
    return Promise.resolve(true);
  }

  close(): Promise<void> {
    return this.db.destroy();
  }
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
