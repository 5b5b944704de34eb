import { DatabaseSync } from 'node:sqlite';
import type { Row } from '../../store/users/rows.ts';
import { UsersView } from '../../store/users/view.ts';
import type { UsersStore } from '../../store/users.store.ts';
import type { Write } from '../../store/changes/write-queue.ts';

/**
 * Runs writes that change nothing: each sees the directory as it is, and what those before it would have made of it.
 * That is kept in a temporary file, which SQLite makes when it is large, and removes.
 */
export class DryRun implements Disposable {
  readonly #store: UsersStore;
  #file: DatabaseSync | undefined;
  #newIds = 0n;

  constructor(store: UsersStore) {
    this.#store = store;
  }

  /** What the write would answer. Ids that it would assign are negative here. */
  async run<T>({ touched, apply }: Write<T>): Promise<T> {
    const { users, answers } = await this.#store.load(touched);
    const known = new Map(users.map((row) => [row.id, row]));
    for (const row of this.#overlaid(touched.ids ?? [], touched.emailKeys ?? [], users)) known.set(row.id, row);
    const freeIds = Array.from({ length: touched.newIds ?? 0 }, () => (this.#newIds -= 1n));
    const view = new UsersView({ nowMs: BigInt(Date.now()), users: [...known.values()], answers, freeIds });
    const result = apply(view);
    const { inserted, updated } = view.outcome();
    this.#keep([...inserted, ...updated]);
    return result;
  }

  [Symbol.dispose](): void {
    this.#file?.close();
  }

  #open(): DatabaseSync {
    if (this.#file === undefined) {
      this.#file = new DatabaseSync('');
      this.#file.exec('create table users (id integer primary key, email_key text not null, row text not null) strict');
      this.#file.exec('create index users_email_key on users (email_key)');
    }
    return this.#file;
  }

  #overlaid(ids: readonly bigint[], emailKeys: readonly string[], users: readonly Row[]): Row[] {
    const known = [...ids, ...users.map(({ id }) => id)];
    const found = this.#open()
      .prepare(
        `select row from users where id in (select value from json_each(?))
         union select row from users where email_key <> '' and email_key in (select value from json_each(?))`,
      )
      .all(`[${known.join(',')}]`, JSON.stringify(emailKeys));
    return found.map(({ row }) => toRow(String(row)));
  }

  #keep(rows: readonly Row[]): void {
    const file = this.#open();
    const keep = file.prepare('insert or replace into users (id, email_key, row) values (?, ?, ?)');
    file.exec('begin');
    for (const row of rows) keep.run(row.id, row.email_key, toText(row));
    file.exec('commit');
  }
}

/** JSON has no bigints: each is written as a list of one text. */
function toText(row: Row): string {
  return JSON.stringify(
    Object.entries(row).map(([name, value]) => [name, typeof value === 'bigint' ? [`${value}`] : value]),
  );
}

function toRow(text: string): Row {
  const entries = JSON.parse(text) as [string, string | [string]][];
  return Object.fromEntries(
    entries.map(([name, value]) => [name, Array.isArray(value) ? BigInt(value[0]) : value]),
  ) as unknown as Row; // as `toText` wrote it
}
