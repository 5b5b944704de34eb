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
import { type DiskError, isDiskError, told } from './sqlite-errors.ts';
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
  /** Why the last thing that was written did not come to the disk. */
  #failing: Error | undefined;

  /** @param diskError what a request fails with when the disk does */
  constructor(file: string, diskError: DiskError = (cause) => cause) {
    // Run from the sources, as tests do, the thread is a source too: Node.js leaves its types out.
    const name = import.meta.url.endsWith('.ts') ? './sqlite-writer-thread.ts' : './sqlite-writer-thread.js';
    this.#worker = new Worker(new URL(name, import.meta.url), { workerData: file, execArgv: [] });
    this.#worker.on('message', (answer: Answer) => {
      const waiting = this.#waiting.shift();
      if ('failed' in answer) {
        const error = Object.assign(new Error(answer.failed.message), { errcode: answer.failed.errcode });
        if (isDiskError(error)) this.#failing = error;
        waiting?.reject(told(error, diskError) as Error);
      } else {
        if (answer.committed === true) this.#failing = undefined;
        waiting?.resolve(answer);
      }
    });
    this.#worker.on('error', (error) => this.#end(error as Error));
    this.#worker.on('exit', () => this.#end(new Error('the thread that writes has ended')));
  }

  /** Why it cannot write at the moment, in words for operators. Once the disk has failed, it tries again to find out. */
  async whyNot(): Promise<string | undefined> {
    if (this.#failing !== undefined) await this.run({ kind: 'probe' }).catch(() => undefined); // it is noted there
    return (this.#ended ?? this.#failing)?.message;
  }

  /** Runs a request behind those before it. @throws Error of SQLite, or what stands for one of the disk */
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
