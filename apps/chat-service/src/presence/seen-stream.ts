import { AckPolicy, DeliverPolicy, DiscardPolicy, StorageType } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { Logger } from '@nestjs/common';
import { hasCode, isStreamNotFound, streamNameInUse } from '../nats/nats-errors.ts';
import { findStream } from '../log/room-stream.ts';
import type { NatsLink } from '../nats/nats-link.ts';

/** When a user was last in a room. */
export interface Seen {
  readonly id: string;
  readonly name: string;
  readonly timeMs: number;
}

/** How many of those who were in a room are told of. */
export const maxSeen = 200;

/** How many are kept of all rooms. */
const maxKept = 500_000;

/** How many are read of a room at a time; when there are more, all but the last are removed first. */
const maxRead = 2 * maxSeen;

/** How many are written at a time, and may wait to be. */
const atATime = 64;
const maxWaiting = 10_000;

/** How many rooms are remembered here. */
const maxRooms = 1000;

/** A room that somebody has asked for. */
interface Known {
  readonly users: Map<string, Seen>;
  /** What had been kept before is in `users`. */
  loading: Promise<void>;
}

const logger = new Logger('presence');

/** When users were last seen in the rooms: a stream of JetStream that keeps the last message of each user in each room. */
export class SeenStream {
  readonly #link: NatsLink;
  readonly #prefix: string;
  readonly #replicas: number;
  /** What is to be written, by the end of its subject. */
  readonly #waiting = new Map<string, Seen>();
  readonly #known = new Map<string, Known>();
  /** Rooms that are there. */
  readonly #rooms = new Set<string>();
  #isMade = false;
  #writing: Promise<void> | undefined;

  constructor(link: NatsLink, prefix: string, replicas: number) {
    this.#link = link;
    this.#prefix = prefix;
    this.#replicas = replicas;
  }

  /** A user was seen, and another replica keeps that. */
  note(room: string, seen: Seen): void {
    const users = this.#known.get(room)?.users;
    if (users === undefined) return;
    users.delete(seen.id);
    users.set(seen.id, seen);
    const [oldest] = users.keys();
    if (users.size > maxRead && oldest !== undefined) users.delete(oldest);
  }

  /** Keeps that a user was seen, soon. */
  keep(room: string, seen: Seen): void {
    this.note(room, seen);
    this.#waiting.set(`${room}.${seen.id}`, seen);
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > maxWaiting && oldest !== undefined) this.#waiting.delete(oldest);
  }

  /** Writes what is to be kept. Without a connection it waits for the next time. */
  write(): Promise<void> {
    this.#writing ??= this.#writeAll().finally(() => (this.#writing = undefined));
    return this.#writing;
  }

  /** Who was last in a room, the latest first; nobody, when it cannot be read now. */
  async of(room: string): Promise<Seen[]> {
    try {
      const { users, loading } = this.#known.get(room) ?? this.#load(room);
      await loading;
      return [...users.values()].toSorted((a, b) => b.timeMs - a.timeMs).slice(0, maxSeen);
    } catch {
      return []; // who is there now matters more, and the log says that NATS is away
    }
  }

  /** What others have kept meanwhile may have been missed. */
  forget(): void {
    this.#known.clear();
    this.#rooms.clear();
  }

  /** A room was deleted: whether it is there again shows when somebody is seen in it. */
  forgetRoom(room: string): void {
    this.#known.delete(room);
    this.#rooms.delete(room);
  }

  /** Removes who was seen in a room, for all replicas. @throws RpcError LOG_UNAVAILABLE */
  async purge(room: string): Promise<void> {
    this.forgetRoom(room);
    await this.#link.ask(async ({ jsm }) => {
      try {
        await jsm.streams.purge(this.#stream(), { filter: `${this.#prefix}.seen.${room}.*` });
      } catch (error) {
        if (!isStreamNotFound(error)) throw error; // nobody was seen yet anywhere
      }
    });
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.size > 0) {
      const some = [...this.#waiting].slice(0, atATime);
      try {
        await this.#make();
        await Promise.all(some.map(([key, seen]) => this.#writeOne(key, seen)));
      } catch {
        return; // it is written when somebody comes or goes again, or NATS is back
      }
    }
  }

  async #writeOne(key: string, seen: Seen): Promise<void> {
    // Whoever reads a room that is not there leaves nothing behind.
    if (!(await this.#hasNotes(key.slice(0, key.indexOf('.'))))) {
      if (this.#waiting.get(key) === seen) this.#waiting.delete(key);
      return;
    }
    const data = JSON.stringify({ name: seen.name, timeMs: seen.timeMs });
    await this.#link.askPlainly(({ js }) => js.publish(`${this.#prefix}.seen.${key}`, data));
    if (this.#waiting.get(key) === seen) this.#waiting.delete(key);
  }

  async #hasNotes(room: string): Promise<boolean> {
    if (this.#rooms.has(room)) return true;
    try {
      const info = await this.#link.askPlainly(async ({ jsm }) => {
        const name = await findStream(jsm, `${this.#prefix}.notes.${room}`);
        return name === undefined ? undefined : jsm.streams.info(name);
      });
      if (info === undefined || info.config.sealed) return false; // it is being deleted
    } catch (error) {
      if (isStreamNotFound(error)) return false;
      throw error;
    }
    this.#rooms.add(room);
    const [oldest] = this.#rooms;
    if (this.#rooms.size > maxRooms && oldest !== undefined) this.#rooms.delete(oldest);
    return true;
  }

  #load(room: string): Known {
    const users = new Map<string, Seen>();
    const load = async (): Promise<void> => {
      await this.#make();
      for (const seen of await this.#read(room)) {
        const newer = users.get(seen.id); // it came while we were reading
        if (newer === undefined || newer.timeMs < seen.timeMs) users.set(seen.id, seen);
      }
    };
    const known: Known = { users, loading: load() };
    known.loading.catch(() => {
      if (this.#known.get(room) === known) this.#known.delete(room);
    });
    this.#known.set(room, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > maxRooms && oldest !== undefined) this.#known.delete(oldest);
    return known;
  }

  #read(room: string): Promise<Seen[]> {
    const stream = this.#stream();
    const filter = `${this.#prefix}.seen.${room}.*`;
    return this.#link.askPlainly(async ({ js, jsm }) => {
      const config = {
        ack_policy: AckPolicy.None,
        deliver_policy: DeliverPolicy.All,
        filter_subject: filter,
        mem_storage: true,
        num_replicas: 1,
        inactive_threshold: nanos(10_000),
      };
      let info = await jsm.consumers.add(stream, config);
      if (info.num_pending > maxRead) {
        await jsm.consumers.delete(stream, info.name);
        await jsm.streams.purge(stream, { filter, keep: maxSeen });
        info = await jsm.consumers.add(stream, config);
      }
      const found: Seen[] = [];
      if (info.num_pending > 0) {
        const consumer = await js.consumers.get(stream, info.name);
        const messages = await consumer.fetch({ max_messages: info.num_pending, expires: 2000 });
        for await (const { subject, data } of messages) {
          const seen = readSeen(subject.slice(subject.lastIndexOf('.') + 1), data);
          if (seen !== undefined) found.push(seen);
        }
      }
      await jsm.consumers.delete(stream, info.name);
      return found;
    });
  }

  async #make(): Promise<void> {
    if (this.#isMade) return;
    await this.#link.askPlainly(async ({ jsm }) => {
      const config = {
        subjects: [`${this.#prefix}.seen.*.*`],
        max_msgs_per_subject: 1,
        max_msgs: maxKept,
        num_replicas: this.#replicas,
      };
      try {
        await jsm.streams.add({
          name: this.#stream(),
          storage: StorageType.File,
          discard: DiscardPolicy.Old,
          ...config,
        });
      } catch (error) {
        if (!hasCode(error, streamNameInUse)) throw error;
        await jsm.streams.update(this.#stream(), config);
      }
    });
    this.#isMade = true;
  }

  #stream(): string {
    return `${this.#prefix}-seen`;
  }
}

function readSeen(id: string, data: Uint8Array): Seen | undefined {
  try {
    const read: unknown = JSON.parse(new TextDecoder().decode(data));
    if (typeof read !== 'object' || read === null || !('name' in read) || !('timeMs' in read)) return undefined;
    const { name, timeMs } = read;
    if (!/^\d{1,20}$/.test(id) || typeof name !== 'string' || !Number.isSafeInteger(timeMs)) return undefined;
    return { id, name, timeMs: Number(timeMs) };
  } catch {
    logger.warn('a message about who was seen cannot be read');
    return undefined;
  }
}
