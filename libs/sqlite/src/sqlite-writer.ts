import { Worker } from 'node:worker_threads';
import {
  CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryCompiler,
  type QueryResult,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { sqliteAdapter } from './sqlite-dialect.ts';
import { sqliteFull } from './sqlite-errors.ts';
import type { Answer, Request } from './sqlite-writer-thread.ts';

interface Waiting {
  readonly resolve: (answer: Exclude<Answer, { failed: unknown }>) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A connection to an SQLite file in a thread of its own: calls of node:sqlite are synchronous, and a commit waits for the
 * disk. Meanwhile this thread reads through a connection of its own, which sees what was committed.
 */
export class SqliteWriter {
  readonly #worker: Worker;
  /** Whoever waits for an answer. They come in the order of the requests. */
  readonly #waiting: Waiting[] = [];
  #ended: Error | undefined;

  /** @param whenFull what a request fails with when the disk has no room */
  constructor(file: string, whenFull: (cause: Error) => Error = (cause) => cause) {
    // Run from the sources, as tests do, the thread is a source too: Node.js leaves its types out.
    const name = import.meta.url.endsWith('.ts') ? './sqlite-writer-thread.ts' : './sqlite-writer-thread.js';
    this.#worker = new Worker(new URL(name, import.meta.url), { workerData: file, execArgv: [] });
    this.#worker.on('message', (answer: Answer) => {
      const waiting = this.#waiting.shift();
      if ('failed' in answer) waiting?.reject(errorOf(answer.failed, whenFull));
      else waiting?.resolve(answer);
    });
    this.#worker.on('error', (error) => this.#end(error as Error));
    this.#worker.on('exit', () => this.#end(new Error('the thread that writes has ended')));
  }

  /** Whether it can still write. */
  get lives(): boolean {
    return this.#ended === undefined;
  }

  /** Runs a request behind those before it. @throws Error of SQLite, or what stands for a full disk */
  run(request: Request): Promise<Exclude<Answer, { failed: unknown }>> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const { promise, resolve, reject } = Promise.withResolvers<Exclude<Answer, { failed: unknown }>>();
    this.#waiting.push({ resolve, reject });
    this.#worker.postMessage(request);
    return promise;
  }

  async close(): Promise<void> {
    if (this.#ended !== undefined) return;
    const exited = new Promise((resolve) => this.#worker.once('exit', resolve));
    await this.run({ kind: 'close' });
    await exited;
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
  }
}

type Failed = Extract<Answer, { failed: unknown }>['failed'];

function errorOf({ message, errcode }: Failed, whenFull: (cause: Error) => Error): Error {
  const error = Object.assign(new Error(message), { errcode });
  return errcode === sqliteFull ? whenFull(error) : error;
}

/** kysely's dialect for such a connection. */
export class SqliteWriterDialect implements Dialect {
  readonly #writer: SqliteWriter;

  constructor(writer: SqliteWriter) {
    this.#writer = writer;
  }

  createAdapter = () => sqliteAdapter;

  createDriver(): Driver {
    const writer = this.#writer;
    const connection: DatabaseConnection = {
      async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
        const { rows, changes, lastInsertRowid } = await writer.run({ kind: 'statement', sql, parameters });
        return { rows: rows as R[], numAffectedRows: changes, insertId: lastInsertRowid };
      },
      streamQuery: () => {
        throw new Error('nothing is streamed from the connection that writes');
      },
    };
    const run = async (sql: string): Promise<void> => {
      await connection.executeQuery(CompiledQuery.raw(sql));
    };
    return {
      init: () => Promise.resolve(),
      acquireConnection: () => Promise.resolve(connection),
      beginTransaction: () => run('begin immediate'),
      commitTransaction: () => run('commit'),
      rollbackTransaction: async () => {
        await writer.run({ kind: 'rollback' });
      },
      releaseConnection: () => Promise.resolve(),
      destroy: () => writer.close(),
    };
  }

  createQueryCompiler(): QueryCompiler {
    return new SqliteQueryCompiler();
  }

  createIntrospector(db: Kysely<never>): DatabaseIntrospector {
    return new SqliteIntrospector(db);
  }
}
