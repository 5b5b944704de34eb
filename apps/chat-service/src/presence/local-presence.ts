import { Logger } from '@nestjs/common';
import { chat } from '@rollcall/proto';
import type { ChatDatabase } from '../log/chat-database.ts';
import { toTimestamp } from '../log/note-rows.ts';
import { absentMember, presentMember, type Visitor } from './members.ts';
import type { Presence, PresenceChange } from './presence.ts';

const { KIND_JOINED, KIND_LEFT } = chat.RoomEvent_Kind;

/** For how long changes are collected, in milliseconds: whoever leaves and comes back meanwhile has not left. */
const collectMs = 250;

/** How many of those who were in a room are told of, and are kept. */
const maxSeen = 200;

/** A user with streams of a room. */
interface Present extends Visitor {
  streams: number;
}

const logger = new Logger('presence');

/** Who is in which room, of a service that runs alone. When users were last seen is kept in the embedded database. */
export class LocalPresence implements Presence {
  readonly #database: ChatDatabase;
  readonly #rooms = new Map<string, Map<string, Present>>();
  readonly #watchers = new Map<string, Set<(change: PresenceChange) => void>>();
  /** Who has come or left since readers were told, and whether they were told of them as present. */
  readonly #changes = new Map<string, Map<string, { readonly name: string; readonly wasPresent: boolean }>>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(database: ChatDatabase) {
    this.#database = database;
  }

  enter(room: string, { id, name }: { readonly id: string; readonly name: string }): () => void {
    const users = this.#rooms.get(room) ?? new Map<string, Present>();
    this.#rooms.set(room, users);
    const there = users.get(id);
    if (there !== undefined) there.streams += 1;
    else {
      this.#changed(room, id, { name, wasPresent: false });
      users.set(id, { id, name, joinTimeMs: Date.now(), streams: 1 });
    }
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const user = users.get(id);
      if (user === undefined) return;
      user.streams -= 1;
      if (user.streams > 0) return;
      this.#changed(room, id, { name: user.name, wasPresent: true });
      users.delete(id);
      if (users.size === 0 && this.#rooms.get(room) === users) this.#rooms.delete(room);
    };
  }

  async members(room: string): Promise<chat.Member[]> {
    const seen = await this.#database.reader
      .selectFrom('seen')
      .selectAll()
      .where('room', '=', room)
      .orderBy('seen_time_ms', 'desc')
      .limit(maxSeen)
      .execute();
    const present = this.#rooms.get(room) ?? new Map<string, Present>();
    return [
      ...[...present.values()].map(presentMember),
      ...seen
        .filter(({ user_id }) => !present.has(String(user_id)))
        .map((row) => absentMember(String(row.user_id), row.name, toTimestamp(Number(row.seen_time_ms)))),
    ];
  }

  watch(room: string, receive: (change: PresenceChange) => void): () => void {
    const all = this.#watchers.get(room) ?? new Set();
    this.#watchers.set(room, all.add(receive));
    return () => {
      all.delete(receive);
      if (all.size === 0 && this.#watchers.get(room) === all) this.#watchers.delete(room);
    };
  }

  async forget(room: string): Promise<void> {
    await this.#database.exclusively(() =>
      this.#database.write([{ sql: 'delete from seen where room = ?', rows: [[room]] }]),
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#publish();
  }

  #changed(room: string, id: string, before: { readonly name: string; readonly wasPresent: boolean }): void {
    const users = this.#changes.get(room) ?? new Map<string, typeof before>();
    this.#changes.set(room, users);
    if (!users.has(id)) users.set(id, before);
    if (!this.#closed) this.#timer ??= setTimeout(() => void this.#publish(), collectMs).unref();
  }

  async #publish(): Promise<void> {
    this.#timer = undefined;
    const changes = [...this.#changes];
    this.#changes.clear();
    const nowMs = Date.now();
    const seen: unknown[][] = [];
    for (const [room, users] of changes) {
      const joined: chat.Member[] = [];
      const left: chat.Member[] = [];
      for (const [id, { name, wasPresent }] of users) {
        const now = this.#rooms.get(room)?.get(id);
        if (now !== undefined && !wasPresent) joined.push(presentMember(now));
        if (now === undefined && wasPresent) left.push(absentMember(id, name, toTimestamp(nowMs)));
        // Whoever has come is seen now too: if this process is killed, that is what is known.
        seen.push([room, BigInt(id), now?.name ?? name, nowMs]);
      }
      for (const receive of this.#watchers.get(room) ?? []) {
        if (joined.length > 0) receive({ kind: KIND_JOINED, members: joined });
        if (left.length > 0) receive({ kind: KIND_LEFT, members: left });
      }
    }
    if (seen.length > 0) await this.#remember(seen, [...new Set(changes.map(([room]) => room))]);
  }

  async #remember(seen: readonly unknown[][], rooms: readonly string[]): Promise<void> {
    try {
      await this.#database.exclusively(() =>
        this.#database.write([
          {
            // Whoever reads a room that is not there leaves nothing behind.
            sql: `insert into seen select ?1, ?2, ?3, ?4 where exists (select 1 from rooms where name = ?1)
              on conflict do update set name = excluded.name, seen_time_ms = excluded.seen_time_ms`,
            rows: seen,
          },
          {
            sql: `delete from seen where room = ?1 and seen_time_ms < (
              select seen_time_ms from seen where room = ?1 order by seen_time_ms desc limit 1 offset ${maxSeen})`,
            rows: rooms.map((room) => [room]),
          },
        ]),
      );
    } catch (error) {
      logger.warn(`when users were last seen could not be kept: ${String(error)}`);
    }
  }
}
