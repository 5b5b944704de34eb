import { createHash } from 'node:crypto';
import { currentCall, RpcError } from '@rollcall/grpc';
import { PostgresDialect, type PostgresCursor, type PostgresPoolClient, type PostgresQueryResult } from 'kysely';
import { type CustomTypesConfig, Pool, type PoolClient, type PoolConfig, types as pgTypes } from 'pg';
import { databaseFull, databaseTooSlow, databaseUnavailable } from './errors.ts';

/** How long a statement may take that no call waits for, in milliseconds. */
const defaultStatementMs = 30_000;

/** The limits that statements get: the deadline of the call, rounded up, so that they seldom have to be set. */
const steps = [100, 250, 500, 1000, 2500, 5000, 10_000, 15_000, defaultStatementMs];

/** How long to wait for a connection, in milliseconds. */
const connectMs = 5000;

/**
 * A pool of connections for kysely, whose statements end with the call that they are made for, and whose errors are
 * those of errors.ts.
 */
export class PostgresPool {
  readonly #pool: Pool;
  /** kysely asks for them. */
  readonly options = {};
  readonly #clients = new WeakMap<PoolClient, TimedClient>();

  constructor(url: string, size: number) {
    this.#pool = new Pool(connectionOptions(url, { max: size }));
    // A connection that breaks while nobody uses it is replaced when one is needed.
    this.#pool.on('error', () => undefined);
  }

  async connect(): Promise<TimedClient> {
    let client: PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (error) {
      throw storeError(error);
    }
    let timed = this.#clients.get(client);
    if (timed === undefined) this.#clients.set(client, (timed = new TimedClient(client)));
    timed.take();
    return timed;
  }

  end(): Promise<void> {
    return this.#pool.end();
  }
}

/** How to connect: a silent peer is noticed, and a replica that stands still in a transaction loses its locks. */
export function connectionOptions(url: string, more: PoolConfig = {}): PoolConfig {
  return {
    connectionString: url,
    application_name: 'rollcall-user-service',
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    statement_timeout: defaultStatementMs,
    // Should the answer itself be lost, the connection is given up.
    query_timeout: defaultStatementMs + connectMs,
    idle_in_transaction_session_timeout: 10_000,
    types,
    ...more,
  };
}

const int8 = 20;
const types: CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === int8 && format !== 'binary' ? BigInt : pgTypes.getTypeParser(oid, format)) as typeof pgTypes.getTypeParser,
};

/** kysely's dialect over such a pool. */
export function postgresDialect(pool: PostgresPool): PostgresDialect {
  return new PostgresDialect({ pool });
}

/** One connection. Statements are prepared by name, so that the server reads and plans each once. */
class TimedClient implements PostgresPoolClient {
  readonly #client: PoolClient;
  #timeoutMs = defaultStatementMs;
  #failed: Error | undefined;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  take(): void {
    this.#failed = undefined;
    this.#client.on('error', this.#onError);
  }

  query<R>(statement: string, values: readonly unknown[]): Promise<PostgresQueryResult<R>>;
  query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>;
  query(statement: unknown, values: readonly unknown[] = []): unknown {
    if (typeof statement !== 'string') throw new Error('cursors would hold a transaction open'); // pages are read instead
    return this.#query(statement, values);
  }

  async #query(statement: string, values: readonly unknown[]): Promise<unknown> {
    const deadline = currentCall()?.deadline ?? Infinity;
    const leftMs = deadline - Date.now();
    const timeoutMs = steps.find((step) => step >= leftMs) ?? defaultStatementMs;
    try {
      if (timeoutMs !== this.#timeoutMs) {
        await this.#client.query(`set statement_timeout = ${timeoutMs}`);
        this.#timeoutMs = timeoutMs;
      }
      return await this.#client.query(
        values.length === 0 ? statement : { name: nameOf(statement), text: statement, values: [...values] },
      );
    } catch (error) {
      const told = storeError(error);
      // A connection whose answer did not come might get it later, in place of the next one.
      const lost = error instanceof Error && error.message === readTimeout;
      if (lost || (told instanceof RpcError && told.reason === 'DATABASE_UNAVAILABLE')) this.#failed = error as Error;
      throw told;
    }
  }

  release(destroy = false): void {
    this.#client.off('error', this.#onError);
    this.#client.release(this.#failed ?? destroy);
  }

  /** Without a listener an error of a connection would end the process. The statement under way tells of it. */
  readonly #onError = (error: Error): void => {
    this.#failed = error;
  };
}

const names = new Map<string, string>();
const maxNames = 500;

function nameOf(statement: string): string | undefined {
  let name = names.get(statement);
  if (name === undefined && names.size < maxNames) {
    name = createHash('sha256').update(statement).digest('base64url').slice(0, 22);
    names.set(statement, name);
  }
  return name;
}

/** What the driver says when it has waited for longer than query_timeout. */
const readTimeout = 'Query read timeout';

/** Classes and codes of errors. @see https://www.postgresql.org/docs/current/errcodes-appendix.html */
function storeError(error: unknown): unknown {
  const { code = '', message = '' } = error as { readonly code?: string; readonly message?: string };
  if (code === '57014' || message === readTimeout) return databaseTooSlow(error);
  if (code === '53100') return databaseFull(error);
  const unreachable =
    /^(08|57P|53[23])/.test(code) || // connections, shutdown, too many connections
    code === '25P03' || // our transaction stood still and was ended
    code === '25006' || // a standby that only reads
    /^E[A-Z]+$/.test(code) || // of the system: ECONNREFUSED, ENOENT, EPIPE
    /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|the database system)/i.test(
      message,
    );
  return unreachable ? databaseUnavailable(error) : error;
}
