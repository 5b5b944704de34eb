import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig, type StreamInfo } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { Logger } from '@nestjs/common';
import { tooManyRooms } from '../chat-errors.ts';
import { hasCode, isStreamLimit, isStreamNotFound, streamNameInUse } from '../nats/nats-errors.ts';
import type { NatsLink } from '../nats/nats-link.ts';
import type { Retention } from './note-log.ts';

/** For how long a note id is remembered at the most, in milliseconds. */
const duplicateWindowMs = 60 * 60 * 1000;

/** How many streams are changed or asked for at a time. */
const atATime = 32;

/** How old a count of the rooms may be, in milliseconds, and how near to the most it is counted each time. */
const countedMs = 1000;
const nearMost = 100;

export interface RoomStreamsOptions {
  readonly retention: Retention;
  /** How many rooms there may be. Replicas that make rooms at the same moment may come out with a few more. */
  readonly maxRooms: number;
  /** How many servers keep a room. */
  readonly replicas: number;
  /** What all names in NATS begin with. */
  readonly prefix: string;
}

const logger = new Logger('notes');

/**
 * The streams of JetStream that keep the rooms: one each, so that the number of a message in its stream is the number of
 * the note in its room. The server tells of each message again, with its number, once it is kept (`republish`).
 */
export class RoomStreams {
  readonly #link: NatsLink;
  readonly #options: RoomStreamsOptions;
  /** Rooms whose stream was seen. */
  readonly #made = new Set<string>();
  /** How many rooms there were, with those that were made here since. */
  #counted = { rooms: 0, at: -Infinity };
  /** Rooms are made one behind the other, so that they are counted. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(link: NatsLink, options: RoomStreamsOptions) {
    this.#link = link;
    this.#options = options;
  }

  nameOf(room: string): string {
    return `${this.#options.prefix}-notes-${room}`;
  }

  /** Where notes are published to. */
  subjectOf(room: string): string {
    return `${this.#options.prefix}.notes.${room}`;
  }

  /** Where it is told that a note is kept. */
  toldSubjectOf(room: string): string {
    return `${this.#options.prefix}.told.${room}`;
  }

  /**
   * Makes the stream of a room when there is none.
   *
   * @param onNew is called before that, and may throw
   * @throws RpcError TOO_MANY_ROOMS, DATABASE_FULL or LOG_UNAVAILABLE
   */
  async make(room: string, onNew?: () => void): Promise<void> {
    if (this.#made.has(room)) return;
    const making = this.#last.then(() => (this.#made.has(room) ? undefined : this.#make(room, onNew)));
    this.#last = making.catch(() => undefined); // its caller hears of it
    await making;
    this.#made.add(room);
  }

  /** A room whose stream may be gone is looked at again before the next note. */
  forget(room: string): void {
    this.#made.delete(room);
  }

  /** The state of a room's stream; undefined when there is none. @throws RpcError LOG_UNAVAILABLE */
  info(room: string): Promise<StreamInfo | undefined> {
    return this.#link.askUntilAnswered(async (jsm) => {
      try {
        return await jsm.streams.info(this.nameOf(room));
      } catch (error) {
        if (isStreamNotFound(error)) return undefined;
        throw error;
      }
    });
  }

  /** The states of the streams behind a room's name, by name, up to some number of them. @throws RpcError LOG_UNAVAILABLE */
  async list(afterName: string, limit: number): Promise<{ readonly room: string; readonly info: StreamInfo }[]> {
    const start = this.nameOf('');
    const names = await this.#link.ask(async ({ jsm }) => {
      const all: string[] = [];
      for await (const name of jsm.streams.names(this.subjectOf('*'))) all.push(name);
      return all;
    });
    const rooms = names
      .filter((name) => name.startsWith(start))
      .map((name) => name.slice(start.length))
      .filter((room) => room > afterName)
      .toSorted((a, b) => (a < b ? -1 : 1))
      .slice(0, limit);
    const found: { room: string; info: StreamInfo }[] = [];
    for (let first = 0; first < rooms.length; first += atATime) {
      const some = rooms.slice(first, first + atATime);
      const infos = await Promise.all(some.map((room) => this.info(room)));
      infos.forEach((info, index) => {
        if (info !== undefined) found.push({ room: some[index] ?? '', info });
      });
    }
    return found;
  }

  /** Brings the streams that there are to what is configured now. @throws RpcError LOG_UNAVAILABLE */
  async configureAll(): Promise<void> {
    const wanted = this.#changeable();
    await this.#link.ask(async ({ jsm }) => {
      const others: string[] = [];
      for await (const { config } of jsm.streams.list(this.subjectOf('*')))
        if (Object.entries(wanted).some(([key, value]) => config[key as keyof typeof wanted] !== value))
          others.push(config.name);
      if (others.length > 0) logger.log(`${others.length} rooms get what is configured now`);
      for (let first = 0; first < others.length; first += atATime)
        await Promise.all(others.slice(first, first + atATime).map((name) => jsm.streams.update(name, wanted)));
    });
  }

  async #make(room: string, onNew?: () => void): Promise<void> {
    if ((await this.info(room)) !== undefined) return;
    const { maxRooms, replicas, prefix } = this.#options;
    if ((await this.#count()) >= maxRooms) throw tooManyRooms(maxRooms);
    onNew?.();
    this.#counted.rooms += 1;
    await this.#link.askUntilAnswered(async (jsm) => {
      try {
        await jsm.streams.add({
          name: this.nameOf(room),
          subjects: [this.subjectOf(room)],
          description: `the notes of the room ${room} (${prefix})`,
          storage: StorageType.File,
          retention: RetentionPolicy.Limits,
          discard: DiscardPolicy.Old,
          allow_direct: true,
          republish: { src: this.subjectOf(room), dest: this.toldSubjectOf(room) },
          ...this.#changeable(),
          num_replicas: replicas,
        });
      } catch (error) {
        if (isStreamLimit(error)) throw tooManyRooms(maxRooms);
        // Another replica made it, which is configured otherwise.
        if (!hasCode(error, streamNameInUse)) throw error;
      }
    });
  }

  /** What of a stream can be changed. */
  #changeable(): Pick<StreamConfig, 'max_age' | 'max_msgs' | 'duplicate_window' | 'num_replicas'> {
    const { maxAgeMs, maxNotes } = this.#options.retention;
    return {
      max_age: nanos(maxAgeMs ?? 0),
      max_msgs: maxNotes ?? -1,
      duplicate_window: nanos(Math.min(duplicateWindowMs, maxAgeMs ?? duplicateWindowMs)),
      num_replicas: this.#options.replicas,
    };
  }

  /** How many rooms there are. NATS looks at each of them to say so. */
  async #count(): Promise<number> {
    const { rooms, at } = this.#counted;
    const now = performance.now();
    if (now - at > countedMs || rooms + nearMost >= this.#options.maxRooms)
      this.#counted = { rooms: await this.#ask(), at: now };
    return this.#counted.rooms;
  }

  /** The first page of their names tells how many there are. */
  #ask(): Promise<number> {
    return this.#link.ask(async ({ nats }) => {
      const request = JSON.stringify({ subject: this.subjectOf('*') });
      const { data } = await nats.request('$JS.API.STREAM.NAMES', request, { timeout: 4000 });
      const answer: unknown = JSON.parse(new TextDecoder().decode(data));
      if (typeof answer === 'object' && answer !== null && 'total' in answer && typeof answer.total === 'number')
        return answer.total;
      throw new Error('JetStream does not say how many streams there are');
    });
  }
}
