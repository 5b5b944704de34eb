import { openSqlite, type SqliteFile } from '@rollcall/sqlite';
import { type Kysely, sql } from 'kysely';
import { type MigrationProvider, Migrator } from 'kysely/migration';
import { logFull, logUnavailable } from '../errors/chat-errors.ts';

/** The tables of the embedded log. */
export interface ChatTables {
  readonly notes: {
    readonly room: string;
    readonly seq: bigint;
    readonly note_id: string;
    readonly author_id: bigint;
    readonly author_name: string;
    readonly message: string;
    readonly send_time_ms: bigint;
  };
  readonly rooms: {
    readonly name: string;
    /** The number of the last note there ever was. */
    readonly last_seq: bigint;
    readonly last_note_time_ms: bigint;
  };
  /** Rooms that were deleted, and the number behind which one of the same name goes on. */
  readonly deleted_rooms: {
    readonly room: string;
    readonly seq: bigint;
  };
  /** Who was last seen when in which room. */
  readonly seen: {
    readonly room: string;
    readonly user_id: bigint;
    readonly name: string;
    readonly seen_time_ms: bigint;
  };
}

/** A statement for each of some rows. */
export interface Rows {
  readonly sql: string;
  readonly rows: readonly (readonly unknown[])[];
}

/** The embedded database: `chat.sqlite`, of one process. */
export class ChatDatabase {
  readonly #file: SqliteFile<ChatTables>;
  /** The transaction that is under way. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(file: SqliteFile<ChatTables>) {
    this.#file = file;
  }

  /** @throws Error when another process has it open, or it cannot be opened */
  static async open(dataDir: string): Promise<ChatDatabase> {
    const diskError = (cause: Error, isFull: boolean): Error => (isFull ? logFull(cause) : logUnavailable(cause));
    return new ChatDatabase(await openSqlite<ChatTables>({ dataDir, name: 'chat', migrate, diskError }));
  }

  /** It sees what is committed. */
  get reader(): Kysely<ChatTables> {
    return this.#file.reader;
  }

  /** Why it cannot be written at the moment, in words for operators. */
  whyNot(): Promise<string | undefined> {
    return this.#file.writer.whyNot();
  }

  /** Runs something behind all that was asked for before: it writes alone. */
  exclusively<T>(run: () => Promise<T>): Promise<T> {
    const running = this.#last.then(run);
    this.#last = running.catch(() => undefined); // its caller hears of it
    return running;
  }

  /** Writes rows in one transaction, inside `exclusively`. @throws RpcError DATABASE_FULL or LOG_UNAVAILABLE, or Error of SQLite: then nothing is written */
  async write(parts: readonly Rows[]): Promise<void> {
    const { writer } = this.#file;
    await writer.run({ kind: 'statement', sql: 'begin immediate', parameters: [] });
    try {
      for (const part of parts) await writer.run({ kind: 'rows', ...part });
      await writer.run({ kind: 'statement', sql: 'commit', parameters: [] });
    } catch (error) {
      await writer.run({ kind: 'rollback' });
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#file.close();
  }
}

/** One that was released never changes. */
const migrations: MigrationProvider = {
  getMigrations: () =>
    Promise.resolve({
      '0001_notes': {
        async up(db: Kysely<ChatTables>): Promise<void> {
          await sql`create table notes (
            room text not null,
            seq integer not null,
            note_id text not null,
            author_id integer not null,
            author_name text not null,
            message text not null,
            send_time_ms integer not null,
            primary key (room, seq)
          ) strict, without rowid`.execute(db);
          await sql`create unique index notes_note_id on notes (room, note_id)`.execute(db);
          await sql`create index notes_send_time on notes (send_time_ms)`.execute(db);
          await sql`create table rooms (
            name text primary key,
            last_seq integer not null,
            last_note_time_ms integer not null
          ) strict, without rowid`.execute(db);
          await sql`create table seen (
            room text not null,
            user_id integer not null,
            name text not null,
            seen_time_ms integer not null,
            primary key (room, user_id)
          ) strict, without rowid`.execute(db);
          await sql`create index seen_time on seen (room, seen_time_ms)`.execute(db);
        },
      },
      '0002_deleted_rooms': {
        async up(db: Kysely<ChatTables>): Promise<void> {
          await sql`create table deleted_rooms (
            room text primary key,
            seq integer not null
          ) strict, without rowid`.execute(db);
        },
      },
    }),
};

async function migrate(db: Kysely<ChatTables>): Promise<void> {
  const { error } = await new Migrator({ db, provider: migrations }).migrateToLatest();
  if (error !== undefined) throw error instanceof Error ? error : new Error('a migration failed', { cause: error });
}
