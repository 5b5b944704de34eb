import { CompiledQuery, type Kysely, type Transaction } from 'kysely';

/** How many writes share a transaction at the most. It bounds how long one turn of the event loop takes. */
const maxWrites = 200;

const savepoint = CompiledQuery.raw('savepoint one_write');
const rollback = CompiledQuery.raw('rollback to one_write');
const release = CompiledQuery.raw('release one_write');

interface Write<Database> {
  readonly run: (db: Transaction<Database>) => Promise<void>;
  /** Tells the caller what became of it; called once it is known to last. */
  settle: () => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Runs the writes that are asked for in one turn of the event loop in one transaction, because it is the commit that
 * takes time: it waits for the disk. Each write is undone alone when it fails, and none is acknowledged before the
 * commit. They run in the order in which they came.
 */
export class GroupCommit<Database> {
  readonly #db: Kysely<Database>;
  #waiting: Write<Database>[] = [];
  #committing = false;

  constructor(db: Kysely<Database>) {
    this.#db = db;
  }

  /** Runs a write. It settles when what was written is on the disk, or when the write or the commit fails. */
  run<T>(write: (db: Transaction<Database>) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiting: Write<Database> = {
        run: async (db) => {
          const result = await write(db);
          waiting.settle = () => resolve(result);
        },
        settle: () => undefined,
        fail: reject,
      };
      this.#waiting.push(waiting);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#committing || this.#waiting.length === 0) return;
    this.#committing = true;
    setImmediate(() => {
      void this.#commit(this.#waiting.splice(0, maxWrites)).finally(() => {
        this.#committing = false;
        this.#schedule();
      });
    });
  }

  async #commit(writes: readonly Write<Database>[]): Promise<void> {
    try {
      await this.#db.transaction().execute(async (db) => {
        for (const write of writes) {
          await db.executeQuery(savepoint);
          try {
            await write.run(db);
          } catch (error) {
            write.settle = () => write.fail(error);
            await db.executeQuery(rollback);
          }
          await db.executeQuery(release);
        }
      });
    } catch (error) {
      for (const write of writes) write.fail(error);
      return;
    }
    for (const write of writes) write.settle();
  }
}
