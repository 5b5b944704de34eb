import { accessSync, chmodSync, closeSync, constants, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Kysely } from 'kysely';
import { NodeSqlite } from './node-sqlite.ts';
import { SharedRead } from './shared-read.ts';
import { NodeSqliteDialect } from './sqlite-dialect.ts';
import { type DiskError, isSqliteError, sqliteBusy, told } from './sqlite-errors.ts';
import { SqliteLock } from './sqlite-lock.ts';
import { SqliteWriter } from './sqlite-writer.ts';

/** A database of this process alone: one connection reads, in this thread, and one writes, in a thread of its own. */
export interface SqliteFile<Database> {
  /** It sees what is committed. */
  readonly reader: Kysely<Database>;
  readonly writer: SqliteWriter;
  /** Reads at once, over the connection of `reader`, whose queue it passes: there must be no transaction on it. */
  read(sql: string, parameters: readonly unknown[]): unknown[];
  close(): Promise<void>;
}

/** What to open. */
export interface SqliteOptions<Database> {
  /** The directory, which is made if it is missing. */
  readonly dataDir: string;
  /** The name of the database, without `.sqlite`. */
  readonly name: string;
  /** Brings it up to date. */
  readonly migrate: (db: Kysely<Database>) => Promise<void>;
  /** What reads and writes fail with when the disk does. */
  readonly diskError: DiskError;
}

/** @throws Error when another process has it open, it cannot be opened, or it cannot be brought up to date */
export async function openSqlite<Database>(options: SqliteOptions<Database>): Promise<SqliteFile<Database>> {
  const { dataDir, name, migrate, diskError } = options;
  const file = join(dataDir, `${name}.sqlite`);
  try {
    makeDirectory(dataDir);
  } catch (cause) {
    throw new Error(`DATA_DIR: cannot make ${dataDir}: ${messageOf(cause)}`, { cause });
  }
  checkDirectory(dataDir);
  let lock: SqliteLock;
  let database: NodeSqlite;
  try {
    for (const each of [file, join(dataDir, `${name}.lock`)]) makePrivate(each);
    lock = new SqliteLock(join(dataDir, `${name}.lock`));
  } catch (cause) {
    throw cannotOpen(file, cause);
  }
  try {
    database = new NodeSqlite(file, { told: (error) => told(error, diskError) });
  } catch (cause) {
    lock.close();
    throw cannotOpen(file, cause);
  }
  const reader = new Kysely<Database>({ dialect: new NodeSqliteDialect({ database }) });
  try {
    await migrate(reader);
  } catch (cause) {
    await reader.destroy();
    lock.close();
    throw new Error(`cannot bring ${file} up to date: ${messageOf(cause)}`, { cause });
  }
  const writer = new SqliteWriter(file, diskError);
  const shared = new SharedRead(database);
  return {
    reader,
    writer,
    read: (sql, parameters) => {
      shared.join();
      return database.prepare(sql).all(parameters);
    },
    close: async () => {
      await writer.close();
      shared.end();
      await reader.destroy();
      lock.close();
    },
  };
}

function cannotOpen(file: string, cause: unknown): Error {
  const why = isSqliteError(cause, sqliteBusy) ? 'another process has it open' : messageOf(cause);
  return new Error(`cannot open ${file}: ${why}`, { cause });
}

/** Makes a directory and its parents. Node's own `recursive` never returns where the system refuses new files, as /proc does. */
function makeDirectory(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) return;
  if (found !== undefined) throw new Error(`${path} is no directory`);
  makeDirectory(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

/**
 * What is kept is for nobody else on this machine: addresses, and what sessions are known by.
 *
 * @throws Error when others can read or write the directory, or we cannot
 */
function checkDirectory(path: string): void {
  const { mode, uid } = statSync(path);
  // A group that was given to us with a volume of somebody else is how we come to it.
  const lax = mode & (uid === process.getuid?.() ? 0o077 : 0o007);
  if (lax !== 0 && process.platform !== 'win32') {
    const found = (mode & 0o777).toString(8);
    throw new Error(`DATA_DIR: others on this machine can read or write ${path} (mode ${found}): chmod 700 ${path}`);
  }
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    const us = process.getuid === undefined ? 'this user' : `the user ${process.getuid()}`;
    throw new Error(`DATA_DIR: ${us} has no permission to read and write ${path}`, { cause });
  }
}

/** Makes a file that only we can read, or makes it so. What SQLite puts beside it has the same permissions. */
function makePrivate(file: string): void {
  closeSync(openSync(file, 'a', 0o600));
  const { mode, uid } = statSync(file);
  if ((mode & 0o077) !== 0 && uid === process.getuid?.()) chmodSync(file, 0o600);
}

/** In the words of SQLite or the system: who starts a service can read them. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
