import { Logger } from '@nestjs/common';
import { SqliteWriterDialect, openSqlite as openFile, type SqliteFile } from '@rollcall/sqlite';
import { Kysely, type RawBuilder, sql, type SqlBool } from 'kysely';
import { oneRowSql } from './bulk-sql.ts';
import type { BulkStatement, Engine } from './engine.ts';
import { migrate } from './migrations.ts';
import { readDirectly } from './prepared.ts';
import { databaseFull, diskFails } from './errors.ts';
import type { UsersDatabase } from './tables.ts';

const logger = new Logger('SQLite');

/**
 * Opens `users.sqlite` in a directory, which is made if it is missing, and brings it up to date.
 *
 * @throws Error when another process has it open, it cannot be opened, or a newer version of the service wrote it
 */
export async function openSqlite(dataDir: string): Promise<Engine> {
  const file = await openFile<UsersDatabase>({
    dataDir,
    name: 'users',
    migrate: (db) => migrate(db, 'sqlite'),
    diskError: (cause, isFull) => (isFull ? databaseFull(cause) : diskFails(cause)),
  });
  readDirectly(file.reader, (statement, parameters) => file.read(statement, parameters));
  return new SqliteEngine(file);
}

/** The embedded store: one file, one process, a connection that reads and one that writes. */
class SqliteEngine implements Engine {
  readonly name = 'sqlite';
  readonly db: Kysely<UsersDatabase>;
  readonly writer: Kysely<UsersDatabase>;
  readonly #file: SqliteFile<UsersDatabase>;
  #said: string | undefined;

  constructor(file: SqliteFile<UsersDatabase>) {
    this.#file = file;
    this.db = file.reader;
    this.writer = new Kysely<UsersDatabase>({ dialect: new SqliteWriterDialect(file.writer) });
  }

  /** The rows go past kysely, which would take longer for each than SQLite does. The transaction has the one connection. */
  async bulk(_db: unknown, statement: BulkStatement, rows: readonly object[]): Promise<void> {
    if (rows.length === 0) return;
    const names = statement.columns.map(([name]) => name);
    if (statement.verb === 'update') names.push(...names.splice(0, 1));
    const values = (rows as readonly Record<string, unknown>[]).map((row) => names.map((name) => small(row[name])));
    await this.#file.writer.run({ kind: 'rows', sql: oneRowSql(statement), rows: values });
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

  async answers(): Promise<boolean> {
    const why = await this.#file.writer.whyNot();
    if (why !== undefined && why !== this.#said) logger.error(`cannot write: ${why}`);
    this.#said = why;
    return why === undefined;
  }

  async close(): Promise<void> {
    await this.writer.destroy();
    await this.#file.close();
  }
}

/** The same integer, as a number where that is exact: it is copied and bound in a fraction of the time. */
function small(value: unknown): unknown {
  return typeof value === 'bigint' && value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER
    ? Number(value)
    : value;
}
