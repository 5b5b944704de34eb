import type { PubAck } from '@nats-io/jetstream';
import { Logger } from '@nestjs/common';
import type { chat } from '@rollcall/proto';
import { logUnavailable } from '../errors/chat-errors.ts';
import { duplicateUnderWay, hasCode, isNobodyThere, natsError, streamSealed } from '../nats/nats-errors.ts';
import type { NatsLink } from '../nats/nats-link.ts';
import { deletedSubjectOf, readSeq, roomOf } from './deleted-rooms.ts';
import type { Bounds, Following, NewNote, NoteLog, Retention } from './note-log.ts';
import { toTimestamp } from './note-rows.ts';
import { boundsOf, startOf } from './room-stream.ts';
import { RoomStreams } from './room-streams.ts';
import { RoomTail } from './room-tail.ts';
import { encodeNote } from './stored-note.ts';
import { StreamReader } from './stream-reader.ts';

/**
 * How often followed rooms are looked at, in milliseconds, and which part of them each time, but for so many at the most:
 * what a cluster lost on the way to us shows nowhere else.
 */
const lookEveryMs = 1000;
const lookPart = 3;
const maxLooks = 250;

/** How many of them are looked at at the same time. */
const looksAtATime = 32;

/** For how long a note is tried to be appended whose room has no leader yet, and how often, in milliseconds. */
const appendMs = 3000;
const appendAgainMs = 100;

/** How long the log may take to say that it is there, in milliseconds. */
const answerMs = 2000;

const logger = new Logger('notes');

export interface JetStreamLogOptions {
  readonly retention: Retention;
  readonly maxRooms: number;
  /** How many servers of a cluster keep a room. */
  readonly replicas: number;
  /** What all names in NATS begin with. */
  readonly prefix: string;
  /** How long a room must have fewer notes than it had to be taken for another one, in milliseconds. */
  readonly believeLossMs?: number;
}

interface Followed {
  readonly tail: RoomTail;
  readonly started: Promise<void>;
  followers: number;
}

/** The log in NATS JetStream, which replicas share. @see docs/decisions/0017-a-stream-for-each-room.md */
export class JetStreamLog implements NoteLog {
  readonly #link: NatsLink;
  readonly #streams: RoomStreams;
  readonly #reader: StreamReader;
  readonly #believeLossMs: number;
  readonly #followed = new Map<string, Followed>();
  readonly #timer: NodeJS.Timeout;
  readonly #stopListening: readonly (() => void)[];
  /** Those that are still to be looked at before the first ones are again. */
  #round: RoomTail[] = [];
  #looking = false;
  #isConfigured = false;

  private constructor(link: NatsLink, options: JetStreamLogOptions) {
    const { believeLossMs = 15_000 } = options;
    this.#link = link;
    this.#streams = new RoomStreams(link, options);
    this.#reader = new StreamReader(link, this.#streams);
    this.#believeLossMs = believeLossMs;
    this.#stopListening = [
      link.onConnect(() => {
        void lookAt(this.#tails());
        void this.#configure();
      }),
      link.subscribe(deletedSubjectOf(options.prefix, '*'), ({ subject, data }) =>
        this.#hearDeleted(roomOf(subject), readSeq(data)),
      ),
    ];
    this.#timer = setInterval(() => void this.#lookAtSome(), lookEveryMs).unref();
  }

  /** The log over a link, which its end closes. The rooms that there are get what is configured, in the background. */
  static over(link: NatsLink, options: JetStreamLogOptions): JetStreamLog {
    const log = new JetStreamLog(link, options);
    void log.#configure();
    return log;
  }

  async append(note: NewNote, onNewRoom?: () => void): Promise<{ readonly note: chat.Note; readonly isNew: boolean }> {
    const unnumbered: chat.Note = { ...note, seq: '0', sendTime: toTimestamp(Date.now()) };
    const ack = await this.#publish(note.room, encodeNote(unnumbered), note.noteId, onNewRoom);
    const seq = startOf(ack.stream) + ack.seq;
    const appended = { ...unnumbered, seq: String(seq) };
    if (!ack.duplicate) return { note: appended, isNew: true };
    // Retention may have removed it already: then it is answered as it was sent this time.
    return { note: (await this.#reader.find(note.room, ack.stream, seq)) ?? appended, isNew: false };
  }

  bounds(room: string): Promise<Bounds> {
    return this.#streams.bounds(room);
  }

  async read(room: string, afterSeq: number, limit: number): Promise<chat.Note[]> {
    return (await this.#reader.read(room, afterSeq, limit)).notes;
  }

  async rooms(afterName: string, limit: number): Promise<chat.Room[]> {
    const found = await this.#streams.list(afterName, limit);
    return found.map(({ room, info }) => {
      const { first, last } = boundsOf(info);
      const lastNoteTime = toTimestamp(Date.parse(info.state.last_ts));
      return { name: room, firstSeq: String(first), lastSeq: String(last), lastNoteTime };
    });
  }

  /** @throws RpcError LOG_UNAVAILABLE for a room that nobody here follows yet */
  async follow(
    room: string,
    hear: (notes: readonly chat.Note[]) => void,
    onDeleted: (seq: number) => void,
  ): Promise<Following> {
    const followed = this.#followed.get(room) ?? this.#startFollowing(room);
    followed.followers += 1;
    const letGo = (): void => {
      followed.followers -= 1;
      if (followed.followers > 0 || this.#followed.get(room) !== followed) return;
      this.#followed.delete(room);
      followed.tail.close();
    };
    try {
      await followed.started;
    } catch (error) {
      letGo();
      throw error;
    }
    const { from, leave } = followed.tail.join(hear, onDeleted);
    let closed = false;
    return {
      from,
      close: () => {
        if (closed) return;
        closed = true;
        leave();
        letGo();
      },
    };
  }

  async delete(room: string, onFound?: () => Promise<void>): Promise<boolean> {
    if ((await this.#streams.info(room)) === undefined) return false;
    await onFound?.();
    const seq = await this.#streams.delete(room);
    if (seq !== undefined) this.#hearDeleted(room, seq);
    return seq !== undefined;
  }

  async answers(): Promise<boolean> {
    const { promise: late, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), answerMs);
    const answer = this.#link
      .askPlainly(({ jsm }) => jsm.getAccountInfo())
      .then(
        () => true,
        () => false, // why does not matter here: the calls themselves say it
      );
    const answered = await Promise.race([answer, late]);
    clearTimeout(timer);
    return answered;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const stop of this.#stopListening) stop();
    for (const { tail } of this.#followed.values()) tail.close();
    this.#followed.clear();
    await this.#link.close();
  }

  #hearDeleted(room: string, seq: number): void {
    this.#streams.forget(room);
    this.#followed.get(room)?.tail.end(seq);
  }

  #startFollowing(room: string): Followed {
    const tail = new RoomTail(room, this.#link, this.#streams, this.#reader, this.#believeLossMs);
    const followed = { tail, started: tail.start(), followers: 0 };
    this.#followed.set(room, followed);
    return followed;
  }

  /** @throws RpcError TOO_MANY_ROOMS, DATABASE_FULL or LOG_UNAVAILABLE */
  async #publish(room: string, data: Uint8Array, noteId: string, onNewRoom?: () => void): Promise<PubAck> {
    const until = performance.now() + appendMs;
    let askedFor = onNewRoom;
    const onNew = (): void => {
      askedFor?.();
      askedFor = undefined; // the next try is of the same room
    };
    for (;;) {
      const isThere = await this.#streams.make(room, onNew);
      try {
        if (isThere) {
          const ack = await this.#link.askPlainly(({ js }) =>
            js.publish(this.#streams.subjectOf(room), data, { msgID: noteId }),
          );
          // One of the same id is under way in a cluster, and has no number yet.
          if (ack.seq > 0) {
            this.#streams.changed(room);
            return ack;
          }
        }
      } catch (error) {
        // Nobody listens there: the stream is gone, or has no leader yet. Or it is being deleted.
        if (isNobodyThere(error) || hasCode(error, streamSealed)) this.#streams.forget(room);
        else if (!hasCode(error, duplicateUnderWay)) throw natsError(error);
      }
      if (performance.now() >= until) {
        // Whoever was deleting the room has ended before it was done.
        if (!isThere) await this.#streams.delete(room);
        throw logUnavailable(isThere ? 'the room has no leader' : 'the room was being deleted');
      }
      await new Promise((resolve) => setTimeout(resolve, appendAgainMs));
    }
  }

  async #configure(): Promise<void> {
    if (this.#isConfigured) return;
    try {
      await this.#streams.configureAll();
      this.#isConfigured = true;
    } catch (error) {
      // Without a connection the next one makes us try again.
      if (this.#link.isConnected) logger.error(error);
    }
  }

  #tails(): RoomTail[] {
    return [...this.#followed.values()].map(({ tail }) => tail);
  }

  async #lookAtSome(): Promise<void> {
    if (this.#looking || !this.#link.isConnected) return;
    this.#looking = true;
    if (this.#round.length === 0) this.#round = this.#tails();
    await lookAt(this.#round.splice(0, Math.min(maxLooks, Math.ceil(this.#followed.size / lookPart))));
    this.#looking = false;
  }
}

/** Reads what was not heard of. */
async function lookAt(tails: readonly RoomTail[]): Promise<void> {
  const remaining = tails.values();
  const lookOn = async (): Promise<void> => {
    for (const tail of remaining) await tail.look();
  };
  await Promise.all(Array.from({ length: looksAtATime }, lookOn));
}
