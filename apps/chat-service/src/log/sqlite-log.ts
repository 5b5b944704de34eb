import { Logger } from '@nestjs/common';
import { outsideOfCalls, RpcError } from '@rollcall/grpc';
import type { chat } from '@rollcall/proto';
import { sql } from 'kysely';
import { logUnavailable, tooManyRooms } from '../errors/chat-errors.ts';
import type { ChatDatabase } from './chat-database.ts';
import { type Bounds, type Following, maxNoteBytes, type NewNote, type NoteLog, type Retention } from './note-log.ts';
import { toNote, toTimestamp } from './note-rows.ts';

/** How large the notes are at the most that are read at a time, in UTF-16 units, the last one left out. */
const maxRead = 256 * 1024;

/** How often notes are removed that are not kept any more, and how many of a room in one transaction. */
const removeEveryMs = 60_000;
const maxRemoved = 1000;

interface Waiting {
  readonly note: NewNote;
  readonly onNewRoom: (() => void) | undefined;
  readonly resolve: (appended: { readonly note: chat.Note; readonly isNew: boolean }) => void;
  readonly reject: (error: unknown) => void;
}

interface Follower {
  readonly hear: (notes: readonly chat.Note[]) => void;
  readonly onDeleted: (seq: number) => void;
}

export interface SqliteLogOptions {
  readonly retention: Retention;
  readonly maxRooms: number;
}

const logger = new Logger('notes');

/** The embedded log, of one process. Notes that come while a transaction is committed are written together by the next. */
export class SqliteLog implements NoteLog {
  readonly #database: ChatDatabase;
  readonly #options: SqliteLogOptions;
  /** The number of the last note of each room. */
  readonly #last: Map<string, number>;
  readonly #followers = new Map<string, Set<Follower>>();
  readonly #timer: NodeJS.Timeout;
  #waiting: Waiting[] = [];
  #lastTimeMs = 0;
  #said: string | undefined;

  private constructor(database: ChatDatabase, options: SqliteLogOptions, last: Map<string, number>) {
    this.#database = database;
    this.#options = options;
    this.#last = last;
    this.#timer = setInterval(() => void this.remove(), removeEveryMs).unref();
  }

  static async over(database: ChatDatabase, options: SqliteLogOptions): Promise<SqliteLog> {
    const rooms = await database.reader.selectFrom('rooms').select(['name', 'last_seq']).execute();
    const log = new SqliteLog(database, options, new Map(rooms.map((room) => [room.name, Number(room.last_seq)])));
    void log.remove();
    return log;
  }

  append(note: NewNote, onNewRoom?: () => void): Promise<{ readonly note: chat.Note; readonly isNew: boolean }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ note: chat.Note; isNew: boolean }>();
    this.#waiting.push({ note, onNewRoom, resolve, reject });
    if (this.#waiting.length === 1) void outsideOfCalls(() => this.#database.exclusively(() => this.#appendAll()));
    return promise;
  }

  bounds(room: string): Promise<Bounds> {
    return this.#read(async () => {
      const last = this.#last.get(room) ?? (await this.#deletedSeq(room));
      const row = await this.#database.reader
        .selectFrom('notes')
        .select('seq')
        .where('room', '=', room)
        .orderBy('seq')
        .limit(1)
        .executeTakeFirst();
      return { first: row === undefined ? last + 1 : Number(row.seq), last };
    });
  }

  read(room: string, afterSeq: number, limit: number): Promise<chat.Note[]> {
    return this.#read(async () => {
      const rows = await this.#database.reader
        .selectFrom('notes')
        .selectAll()
        .where('room', '=', room)
        .where('seq', '>', BigInt(afterSeq))
        .where(sql<number>`length(cast(message as blob)) + length(cast(author_name as blob))`, '<=', maxNoteBytes)
        .orderBy('seq')
        .limit(limit)
        .execute();
      let size = 0;
      const beyond = rows.findIndex(({ message }) => (size += message.length) > maxRead);
      return (beyond < 0 ? rows : rows.slice(0, beyond + 1)).map(toNote);
    });
  }

  rooms(afterName: string, limit: number): Promise<chat.Room[]> {
    return this.#read(async () => {
      const rows = await this.#database.reader
        .selectFrom('rooms')
        .selectAll()
        .select(sql<bigint | null>`(select min(seq) from notes where room = rooms.name)`.as('first_seq'))
        .where('name', '>', afterName)
        .orderBy('name')
        .limit(limit)
        .execute();
      return rows.map((row) => ({
        name: row.name,
        firstSeq: String(row.first_seq ?? row.last_seq + 1n),
        lastSeq: String(row.last_seq),
        lastNoteTime: toTimestamp(Number(row.last_note_time_ms)),
      }));
    });
  }

  follow(
    room: string,
    hear: (notes: readonly chat.Note[]) => void,
    onDeleted: (seq: number) => void,
  ): Promise<Following> {
    const follow = (from: number): Following => {
      const follower = { hear, onDeleted };
      const all = this.#followers.get(room) ?? new Set();
      this.#followers.set(room, all.add(follower));
      return {
        from,
        close: () => {
          all.delete(follower);
          if (all.size === 0 && this.#followers.get(room) === all) this.#followers.delete(room);
        },
      };
    };
    const last = this.#last.get(room);
    if (last !== undefined) return Promise.resolve(follow(last));
    // Nobody makes the room between the question and its answer.
    return this.#read(() =>
      this.#database.exclusively(async () => {
        const seq = await this.#deletedSeq(room);
        return follow(this.#last.get(room) ?? seq);
      }),
    );
  }

  async delete(room: string, onFound?: () => Promise<void>): Promise<boolean> {
    if (!this.#last.has(room)) return false;
    await onFound?.();
    return outsideOfCalls(() =>
      this.#read(async () => {
        // Most of it in pieces, so that others write in between.
        while ((await this.#removeSome(room, Infinity, Infinity)) === maxRemoved) continue;
        return this.#database.exclusively(() => this.#deleteRest(room));
      }),
    );
  }

  async #deleteRest(room: string): Promise<boolean> {
    const last = this.#last.get(room);
    if (last === undefined) return false;
    const seq = last + 1;
    await this.#database.write([
      { sql: 'delete from notes where room = ?', rows: [[room]] },
      { sql: 'delete from rooms where name = ?', rows: [[room]] },
      {
        sql: 'insert into deleted_rooms values (?, ?) on conflict do update set seq = excluded.seq',
        rows: [[room, seq]],
      },
    ]);
    this.#last.delete(room);
    for (const { onDeleted } of this.#followers.get(room) ?? []) onDeleted(seq);
    return true;
  }

  /** The number that stands for the deletion of a room; 0 when none of this name was deleted. */
  async #deletedSeq(room: string): Promise<number> {
    const row = await this.#database.reader
      .selectFrom('deleted_rooms')
      .select('seq')
      .where('room', '=', room)
      .executeTakeFirst();
    return Number(row?.seq ?? 0);
  }

  async answers(): Promise<boolean> {
    const why = await this.#database.whyNot();
    if (why !== undefined && why !== this.#said) logger.error(`cannot write: ${why}`);
    this.#said = why;
    return why === undefined;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#database.close();
  }

  /** Removes the notes that are not kept any more. */
  async remove(nowMs = Date.now()): Promise<void> {
    const { maxAgeMs, maxNotes } = this.#options.retention;
    if (maxAgeMs === undefined && maxNotes === undefined) return;
    try {
      for (const [room, last] of this.#last) {
        const beforeSeq = maxNotes === undefined ? 0 : last - maxNotes + 1;
        const beforeMs = maxAgeMs === undefined ? 0 : nowMs - maxAgeMs;
        while ((await this.#removeSome(room, beforeSeq, beforeMs)) === maxRemoved) continue;
      }
    } catch (error) {
      logger.warn(`notes that are not kept any more could not be removed: ${String(error)}`);
    }
  }

  /** Removes the first notes of a room up to the first that is kept. @returns how many it was */
  #removeSome(room: string, beforeSeq: number, beforeMs: number): Promise<number> {
    return this.#database.exclusively(async () => {
      const rows = await this.#database.reader
        .selectFrom('notes')
        .select(['seq', 'send_time_ms'])
        .where('room', '=', room)
        .orderBy('seq')
        .limit(maxRemoved)
        .execute();
      const kept = rows.findIndex(
        ({ seq, send_time_ms }) => Number(seq) >= beforeSeq && Number(send_time_ms) >= beforeMs,
      );
      const removed = kept < 0 ? rows : rows.slice(0, kept);
      const last = removed.at(-1);
      if (last !== undefined)
        await this.#database.write([
          { sql: 'delete from notes where room = ? and seq <= ?', rows: [[room, last.seq]] },
        ]);
      return removed.length;
    });
  }

  /** Writes all that waits, and tells of it. */
  async #appendAll(): Promise<void> {
    const batch = this.#waiting;
    this.#waiting = [];
    try {
      const known = await this.#known(batch);
      const deleted = await this.#deletedSeqs(batch);
      const last = new Map<string, number>();
      const fresh: chat.Note[] = [];
      const timeMs = (this.#lastTimeMs = Math.max(Date.now(), this.#lastTimeMs));
      const outcomes = batch.map(({ note, onNewRoom }) => {
        const key = keyOf(note);
        const there = known.get(key);
        if (there !== undefined) return { note: there, isNew: false };
        const before = last.get(note.room) ?? this.#last.get(note.room);
        if (before === undefined) {
          if (this.#isFull(last)) return { refused: tooManyRooms(this.#options.maxRooms) };
          try {
            onNewRoom?.();
          } catch (refused) {
            return { refused };
          }
        }
        const seq = (before ?? deleted.get(note.room) ?? 0) + 1;
        last.set(note.room, seq);
        const added: chat.Note = { ...note, seq: String(seq), sendTime: toTimestamp(timeMs) };
        known.set(key, added);
        fresh.push(added);
        return { note: added, isNew: true };
      });
      if (fresh.length > 0) await this.#write(fresh, last, timeMs);
      batch.forEach(({ resolve, reject }, index) => {
        const outcome = outcomes[index];
        if (outcome === undefined || 'refused' in outcome) reject(outcome?.refused);
        else resolve(outcome);
      });
      for (const [room, hearers] of this.#followers) {
        const notes = fresh.filter((note) => note.room === room);
        if (notes.length > 0) for (const { hear } of hearers) hear(notes);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error instanceof RpcError ? error : logUnavailable(error));
    }
  }

  #isFull(added: ReadonlyMap<string, number>): boolean {
    const rooms = [...added.keys()].filter((room) => !this.#last.has(room)).length + this.#last.size;
    return rooms >= this.#options.maxRooms;
  }

  /** Behind which numbers the rooms of a batch go on that were deleted, and are not there. */
  async #deletedSeqs(batch: readonly Waiting[]): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    for (const { note } of batch)
      if (!this.#last.has(note.room) && !found.has(note.room)) found.set(note.room, await this.#deletedSeq(note.room));
    return found;
  }

  /** The notes that have the ids of a batch already, by room and id. */
  async #known(batch: readonly Waiting[]): Promise<Map<string, chat.Note>> {
    const found = new Map<string, chat.Note>();
    for (const { note } of batch) {
      const row = await this.#database.reader
        .selectFrom('notes')
        .selectAll()
        .where('room', '=', note.room)
        .where('note_id', '=', note.noteId)
        .executeTakeFirst();
      if (row !== undefined) found.set(keyOf(note), toNote(row));
    }
    return found;
  }

  async #write(notes: readonly chat.Note[], last: ReadonlyMap<string, number>, timeMs: number): Promise<void> {
    await this.#database.write([
      {
        sql: 'insert into notes values (?, ?, ?, ?, ?, ?, ?)',
        rows: notes.map((note) => [
          note.room,
          Number(note.seq),
          note.noteId,
          BigInt(note.authorId),
          note.authorName,
          note.message,
          timeMs,
        ]),
      },
      {
        sql: 'insert into rooms values (?, ?, ?) on conflict do update set last_seq = excluded.last_seq, last_note_time_ms = excluded.last_note_time_ms',
        rows: [...last].map(([room, seq]) => [room, seq, timeMs]),
      },
    ]);
    for (const [room, seq] of last) this.#last.set(room, seq);
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      throw error instanceof RpcError ? error : logUnavailable(error);
    }
  }
}

function keyOf({ room, noteId }: NewNote): string {
  return `${room} ${noteId}`;
}
