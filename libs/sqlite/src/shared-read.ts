import type { NodeSqlite } from './node-sqlite.ts';

/**
 * Lets the reads of one turn of the event loop, from the second on, share a transaction: for one of its own, each asks the
 * system to lock the file and to let it go, which takes several times as long as a row. What is committed during a turn
 * nobody in this thread can know of before its end.
 */
export class SharedRead {
  readonly #database: NodeSqlite;
  #reads = 0;
  #begun = false;

  constructor(database: NodeSqlite) {
    this.#database = database;
  }

  /** To be called before each read. */
  join(): void {
    this.#reads += 1;
    if (this.#reads === 1) {
      queueMicrotask(() => process.nextTick(() => this.end())); // behind all that the turn still leads to
    } else if (this.#reads === 2 && !this.#database.isInTransaction) {
      this.#database.prepare('begin').run([]);
      this.#begun = true;
    }
  }

  /** Ends the transaction, if there is one. */
  end(): void {
    this.#reads = 0;
    if (!this.#begun) return;
    this.#begun = false;
    this.#database.prepare('commit').run([]);
  }
}
