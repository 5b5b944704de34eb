import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig, type StreamInfo } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { Logger } from '@nestjs/common';
import { tooManyRooms } from '../errors/chat-errors.ts';
import { hasCode, isStreamLimit, isStreamNotFound, streamNameInUse, subjectsOverlap } from '../nats/nats-errors.ts';
import type { NatsLink } from '../nats/nats-link.ts';
import { DeletedRooms } from './deleted-rooms.ts';
import type { Bounds, Retention } from './note-log.ts';
import { boundsOf, findStream, seal, startOf } from './room-stream.ts';
import { SharedAnswers } from './shared-answers.ts';

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
 * The streams of JetStream that keep the rooms: one each, so that the number of a message in its stream gives that of
 * the note in its room. The server tells of each message again, with its number, once it is kept (`republish`).
 */
export class RoomStreams {
  readonly #link: NatsLink;
  readonly #options: RoomStreamsOptions;
  readonly #deleted: DeletedRooms;
  /** What is listed: the names of all streams, under an empty key, and the states of some. */
  readonly #names = new SharedAnswers(() => this.#askNames());
  readonly #infos = new SharedAnswers((room) => this.info(room));
  /** The streams of rooms that were made anew. */
  readonly #anew = new Map<string, string>();
  /** Rooms whose stream was seen. */
  readonly #made = new Set<string>();
  /** How many rooms there were, with those that were made here since. */
  #counted = { rooms: 0, at: -Infinity };
  /** Rooms are made one behind the other, so that they are counted. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(link: NatsLink, options: RoomStreamsOptions) {
    this.#link = link;
    this.#options = options;
    this.#deleted = new DeletedRooms(link, options.prefix, options.replicas);
  }

  /** The name of a room's stream, when it is made behind a deletion. */
  #nameOf(room: string, start = 0): string {
    return `${this.#options.prefix}-notes-${room}${start === 0 ? '' : `_${start}`}`;
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
   * @returns false when it cannot be made yet, because the room is being deleted, or made by another replica
   * @throws RpcError TOO_MANY_ROOMS, DATABASE_FULL or LOG_UNAVAILABLE
   */
  async make(room: string, onNew?: () => void): Promise<boolean> {
    if (this.#made.has(room)) return true;
    const making = this.#last.then(() => (this.#made.has(room) ? true : this.#make(room, onNew)));
    this.#last = making.catch(() => undefined); // its caller hears of it
    const isThere = await making;
    if (isThere) this.#made.add(room);
    this.#names.forget('');
    return isThere;
  }

  /** A room has another note: whoever sent it sees that when the rooms are listed. */
  changed(room: string): void {
    this.#infos.forget(room);
  }

  /** A room whose stream may be gone is looked at again before the next note. */
  forget(room: string): void {
    this.#made.delete(room);
    this.#anew.delete(room);
    this.#names.forget('');
    this.#infos.forget(room);
  }

  /** The state of a room's stream; undefined when there is none. @throws RpcError LOG_UNAVAILABLE */
  async info(room: string): Promise<StreamInfo | undefined> {
    const expected = this.#anew.get(room) ?? this.#nameOf(room);
    const info = await this.#infoOf(expected);
    if (info !== undefined) return info;
    const name = await this.#link.askUntilAnswered((jsm) => findStream(jsm, this.subjectOf(room)));
    if (name === undefined || name === expected) return undefined;
    this.#anew.set(room, name);
    return this.#infoOf(name);
  }

  /** Which notes of a room are kept, and in which stream. @throws RpcError LOG_UNAVAILABLE */
  async find(room: string): Promise<Bounds & { readonly stream: string | undefined }> {
    const info = await this.info(room);
    if (info !== undefined) return { ...boundsOf(info), stream: info.config.name };
    const seq = await this.deletedSeq(room);
    return { first: seq + 1, last: seq, stream: undefined };
  }

  /** Which notes of a room are kept. @throws RpcError LOG_UNAVAILABLE */
  async bounds(room: string): Promise<Bounds> {
    const { first, last } = await this.find(room);
    return { first, last };
  }

  /** The number that stands for the deletion of a room; 0 when none of this name was deleted. @throws RpcError LOG_UNAVAILABLE */
  deletedSeq(room: string): Promise<number> {
    return this.#deleted.seqOf(room);
  }

  /**
   * Deletes the stream of a room. First it is sealed, so that nothing is appended behind the number that is kept.
   *
   * @returns the number that stands for the deletion; undefined when there was no stream
   * @throws RpcError LOG_UNAVAILABLE or DATABASE_FULL: then some of it may be done, and the rest when it is asked for again
   */
  async delete(room: string): Promise<number | undefined> {
    const found = await this.info(room);
    if (found === undefined) return undefined;
    const { name } = found.config;
    const behind = await this.#link.askUntilAnswered((jsm) => seal(jsm, name));
    const seq = Math.max(behind ?? 0, await this.deletedSeq(room));
    await this.#deleted.add(room, seq);
    this.forget(room);
    await this.#remove(name);
    this.forget(room);
    this.#counted.at = -Infinity;
    return seq;
  }

  /** The states of the streams behind a room's name, by name, up to some number of them, as they were within the last second. @throws RpcError LOG_UNAVAILABLE */
  async list(afterName: string, limit: number): Promise<{ readonly room: string; readonly info: StreamInfo }[]> {
    const start = this.#nameOf('');
    const names = await this.#names.get('');
    const all = names
      .filter((name) => name.startsWith(start))
      .map((name) => name.slice(start.length).replace(/_\d+$/, ''))
      .filter((room) => room > afterName);
    const rooms = [...new Set(all)].toSorted((a, b) => (a < b ? -1 : 1)).slice(0, limit);
    const found: { room: string; info: StreamInfo }[] = [];
    for (let first = 0; first < rooms.length; first += atATime) {
      const some = rooms.slice(first, first + atATime);
      const infos = await Promise.all(some.map((room) => this.#infos.get(room)));
      infos.forEach((info, index) => {
        if (info !== undefined && !info.config.sealed) found.push({ room: some[index] ?? '', info });
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
        if (
          !config.sealed && // or it is being deleted
          Object.entries(wanted).some(([key, value]) => config[key as keyof typeof wanted] !== value)
        )
          others.push(config.name);
      if (others.length > 0) logger.log(`${others.length} rooms get what is configured now`);
      for (let first = 0; first < others.length; first += atATime)
        await Promise.all(others.slice(first, first + atATime).map((name) => jsm.streams.update(name, wanted)));
    });
  }

  async #make(room: string, onNew?: () => void): Promise<boolean> {
    const info = await this.info(room);
    if (info !== undefined) return !info.config.sealed && (await this.#isLatest(room, info.config.name));
    const { maxRooms, prefix } = this.#options;
    const deletedSeq = await this.deletedSeq(room);
    if ((await this.#count()) >= maxRooms) throw tooManyRooms(maxRooms);
    onNew?.();
    this.#counted.rooms += 1;
    const name = this.#nameOf(room, deletedSeq);
    const isMade = await this.#link.askUntilAnswered(async (jsm) => {
      try {
        await jsm.streams.add({
          name,
          description: `the notes of the room ${room} (${prefix})`,
          subjects: [this.subjectOf(room)],
          storage: StorageType.File,
          retention: RetentionPolicy.Limits,
          discard: DiscardPolicy.Old,
          allow_direct: true,
          republish: { src: this.subjectOf(room), dest: this.toldSubjectOf(room) },
          ...this.#changeable(),
        });
      } catch (error) {
        if (isStreamLimit(error)) throw tooManyRooms(maxRooms);
        // Another replica made it meanwhile, or one that is being deleted has not gone altogether: it is looked at again.
        if (hasCode(error, streamNameInUse) || hasCode(error, subjectsOverlap)) return false;
        throw error;
      }
      return true;
    });
    if (!isMade || (await this.#isLatest(room, name))) return isMade;
    await this.#remove(name);
    return false;
  }

  /**
   * Whether a stream follows the last deletion. One that does not was made by somebody who knew of the one before: it would
   * give numbers that were given already, so that everybody asks before the first note.
   */
  async #isLatest(room: string, stream: string): Promise<boolean> {
    return startOf(stream) >= (await this.deletedSeq(room));
  }

  async #remove(stream: string): Promise<void> {
    await this.#link.askUntilAnswered(async (jsm) => {
      try {
        await jsm.streams.delete(stream);
      } catch (error) {
        if (!isStreamNotFound(error)) throw error; // somebody else deletes it too
      }
    });
  }

  #infoOf(stream: string): Promise<StreamInfo | undefined> {
    return this.#link.askUntilAnswered(async (jsm) => {
      try {
        return await jsm.streams.info(stream);
      } catch (error) {
        if (isStreamNotFound(error)) return undefined;
        throw error;
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

  #askNames(): Promise<string[]> {
    return this.#link.ask(async ({ jsm }) => {
      const all: string[] = [];
      for await (const name of jsm.streams.names(this.subjectOf('*'))) all.push(name);
      return all;
    });
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
