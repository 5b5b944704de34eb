import { DatabaseSync } from 'node:sqlite';

/**
 * Keeps other processes away from a database: a file beside it that stays locked until `close`. The lock is the
 * system's, so that it ends with the process, however that ends. The database itself cannot be locked so, for two
 * connections of this process use it.
 */
export class SqliteLock {
  readonly #database: DatabaseSync;

  /** @throws Error of SQLite: its code is SQLITE_BUSY when another process has it. A process about to end is waited for. */
  constructor(file: string) {
    this.#database = new DatabaseSync(file, { timeout: 1000 });
    try {
      this.#database.exec('begin exclusive');
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  close(): void {
    this.#database.close();
  }
}
