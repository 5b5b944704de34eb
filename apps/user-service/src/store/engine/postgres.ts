import { Kysely, type RawBuilder, sql, type SqlBool, type Transaction } from 'kysely';
import { Client } from 'pg';
import { RpcError } from '@rollcall/grpc';
import { Logger } from '@nestjs/common';
import { allRowsSql } from './bulk-sql.ts';
import type { BulkStatement, Engine } from './engine.ts';
import { migrate } from './migrations.ts';
import { connectionOptions, postgresDialect, PostgresPool } from './postgres-pool.ts';
import type { UsersDatabase } from './tables.ts';

const channel = 'rollcall_changes';

/** How long to wait before the next try to connect, in milliseconds. */
const retryMs = 500;

/** How long the database may take to say that it is there, in milliseconds. */
const answerMs = 2000;

/** PostgreSQL 15 is the oldest that is tested. */
const oldestVersion = 150_000;

/** Which part of the connections searches may have, whose processors in the database are wanted by others too. */
const searchShare = 0.25;

const logger = new Logger('PostgreSQL');

/**
 * Connects to PostgreSQL and brings the database up to date. It waits for a database that is not there yet: containers
 * start in any order.
 *
 * @throws Error when the database refuses us, is too old, or was written by a newer version of the service
 */
export async function openPostgres(url: string, poolSize: number): Promise<Engine> {
  const engine = new PostgresEngine(url, poolSize);
  try {
    for (let said: string | undefined; ;) {
      const why = await whyAway(engine);
      if (why === undefined) break;
      if (why !== said) logger.warn(`waiting for the database of DATABASE_URL: ${why}`);
      said = why;
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
    await migrate(engine.db, 'postgres');
    await engine.listen();
    return engine;
  } catch (cause) {
    await engine.close();
    throw new Error(`DATABASE_URL: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** Why the database is not there yet; undefined when it is. @throws Error when it will never do */
async function whyAway({ db }: Engine): Promise<string | undefined> {
  try {
    const { rows } = await sql<{ version: bigint }>`
      select current_setting('server_version_num')::int8 as version`.execute(db);
    if ((rows[0]?.version ?? 0n) < oldestVersion) throw new Error('PostgreSQL 15 or later is needed');
    return undefined;
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    const cause = error.cause instanceof Error ? error.cause : error;
    if (cause.message !== '') return cause.message;
    return 'code' in cause ? String(cause.code) : error.message; // an error of several addresses has no message
  }
}

/** A PostgreSQL database, which several replicas of the service share. */
class PostgresEngine implements Engine {
  readonly name = 'postgres';
  readonly searchesAtOnce: number;
  readonly db: Kysely<UsersDatabase>;
  readonly writer: Kysely<UsersDatabase>;
  readonly #url: string;
  readonly #listeners: (() => void)[] = [];
  #listening: Client | undefined;
  #reconnecting: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(url: string, poolSize: number) {
    this.#url = url;
    this.searchesAtOnce = Math.max(1, Math.floor(poolSize * searchShare));
    this.db = new Kysely<UsersDatabase>({ dialect: postgresDialect(new PostgresPool(url, poolSize)) });
    this.writer = this.db;
  }

  async bulk(db: Transaction<UsersDatabase>, statement: BulkStatement, rows: readonly object[]): Promise<void> {
    if (rows.length === 0) return;
    const values = statement.columns.map(([name, type]) =>
      (rows as readonly Record<string, unknown>[]).map((row) => (type === 'bytes' ? bytea(row[name]) : row[name])),
    );
    const query = sql.raw(allRowsSql(statement)).compile(db);
    await db.executeQuery({ ...query, parameters: values });
  }

  isOneOf(column: string, values: readonly (bigint | string)[]): RawBuilder<SqlBool> {
    const type = sql.raw(column === 'id' ? 'int8[]' : 'text[]');
    return sql`${sql.ref(column)} = any(${values}::${type})`;
  }

  async lockWriters(db: Transaction<UsersDatabase>): Promise<void> {
    await db.selectFrom('counters').select('value').where('name', '=', 'change').forUpdate().execute();
  }

  async announceChanges(db: Transaction<UsersDatabase>): Promise<void> {
    await sql`select pg_notify(${channel}, '')`.execute(db);
  }

  onAnnounced(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async answers(): Promise<boolean> {
    const answer = sql`select 1`.execute(this.db).then(
      () => true,
      () => false, // why does not matter here: the calls themselves say it
    );
    const { promise: late, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), answerMs);
    const answered = await Promise.race([answer, late]);
    clearTimeout(timer);
    return answered;
  }

  /** Hears of the changes of other processes. A connection that breaks is made again; who waits looks for itself meanwhile. */
  async listen(): Promise<void> {
    if (this.#closed) return;
    const client = new Client(connectionOptions(this.#url, { query_timeout: 0 }));
    this.#listening = client;
    const again = (): void => {
      if (this.#listening !== client || this.#closed) return;
      this.#listening = undefined;
      void client.end().catch(() => undefined); // it is broken already
      this.#reconnecting = setTimeout(() => void this.listen(), retryMs).unref();
    };
    client.on('notification', () => this.#listeners.forEach((listener) => listener()));
    client.on('error', again);
    client.on('end', again);
    try {
      await client.connect();
      await client.query(`listen ${channel}`);
      this.#listeners.forEach((listener) => listener()); // what was announced meanwhile
    } catch {
      again(); // the hint is not needed to go on
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#reconnecting);
    await this.#listening?.end().catch(() => undefined); // it may be broken
    await this.db.destroy();
  }
}

/** Bytes in an array: the driver would write a Buffer there as it should, and a Uint8Array not. */
function bytea(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value;
}
