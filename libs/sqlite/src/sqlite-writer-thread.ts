// The thread that writes: it runs what `sqlite-writer.ts` sends, one after the other, and answers each in turn.
import { parentPort, workerData } from 'node:worker_threads';
import { NodeSqlite } from './node-sqlite.ts';

/** What to run: a statement, or one statement for each row. */
export type Request =
  | { readonly kind: 'statement'; readonly sql: string; readonly parameters: readonly unknown[] }
  | { readonly kind: 'rows'; readonly sql: string; readonly rows: readonly (readonly unknown[])[] }
  | { readonly kind: 'rollback' }
  | { readonly kind: 'probe' }
  | { readonly kind: 'close' };

/** What came of it. */
export type Answer =
  | {
      readonly rows: unknown[];
      readonly changes?: bigint;
      readonly lastInsertRowid?: bigint;
      /** Whether something has come to the disk with it. */
      readonly committed?: boolean;
    }
  | { readonly failed: { readonly message: string; readonly errcode?: unknown } };

interface Version {
  readonly user_version?: bigint;
}

const database = new NodeSqlite(workerData as string);

function run(request: Request): Answer {
  switch (request.kind) {
    case 'statement': {
      const statement = database.prepare(request.sql);
      if (statement.reader) return { rows: statement.all(request.parameters) };
      const { changes, lastInsertRowid } = statement.run(request.parameters);
      return {
        rows: [],
        changes: BigInt(changes),
        lastInsertRowid: BigInt(lastInsertRowid),
        committed: request.sql === 'commit',
      };
    }
    case 'rows': {
      const statement = database.prepare(request.sql);
      for (const row of request.rows) statement.run(row);
      return { rows: [] };
    }
    case 'rollback':
      // After some errors, such as a full disk, SQLite has rolled back by itself.
      if (database.isInTransaction) database.prepare('rollback').run([]);
      return { rows: [] };
    case 'probe': {
      if (database.isInTransaction) return { rows: [] }; // its commit will tell
      const [{ user_version: version } = {}] = database.prepare('pragma user_version').all([]) as Version[];
      database.prepare(`pragma user_version = ${version ?? 0n}`).run([]); // written, though it is the same
      return { rows: [], committed: true };
    }
    case 'close':
      database.close();
      return { rows: [] };
  }
}

parentPort?.on('message', (request: Request) => {
  let answer: Answer;
  try {
    answer = run(request);
  } catch (error) {
    // A copy of an error would lose its code on the way.
    const { message, errcode } = error as Error & { readonly errcode?: unknown };
    answer = { failed: { message, errcode } };
  }
  parentPort?.postMessage(answer);
  if (request.kind === 'close') parentPort?.close();
});
