import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isSqliteError, NodeSqlite, NodeSqliteDialect, sqliteCannotOpen } from '@rollcall/sqlite';
import { Kysely } from 'kysely';
import type { Database } from './database.ts';
import { postgresDialect, PostgresPool } from './postgres-pool.ts';
import type { UsersDatabase } from './tables.ts';

/**
 * Opens a directory to read it alone, beside a service that runs or as a copy. It is not brought up to date.
 *
 * @throws Error when there is none
 */
export function openReadOnly(database: Database): Kysely<UsersDatabase> {
  if (database.engine === 'postgres')
    return new Kysely<UsersDatabase>({ dialect: postgresDialect(new PostgresPool(database.url, 1)) });
  const file = join(database.dataDir, 'users.sqlite');
  if (!existsSync(file)) throw new Error(`DATA_DIR: there is no ${file}`);
  return new Kysely<UsersDatabase>({ dialect: new NodeSqliteDialect({ database: openFile(file) }) });
}

function openFile(file: string): NodeSqlite {
  const database = new NodeSqlite(file, { readOnly: true });
  try {
    database.prepare('select 1').all([]);
    return database;
  } catch (error) {
    database.close();
    // Where nothing can be written SQLite cannot share the file with others. Without a log beside it nobody uses it.
    if (!isSqliteError(error, sqliteCannotOpen) || existsSync(`${file}-wal`)) throw error;
    const alone = pathToFileURL(file);
    alone.searchParams.set('immutable', '1');
    return new NodeSqlite(alone, { readOnly: true });
  }
}
