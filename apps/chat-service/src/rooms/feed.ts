import { chat } from '@rollcall/proto';
import type { Following, NoteLog } from '../log/note-log.ts';
import type { Presence } from '../presence/presence.ts';
import { checkpointEvent, encodeEvents, type EncodedEvents, memberEvent } from './events.ts';
import { type Group, RecentNotes } from './recent-notes.ts';

const { KIND_PRESENT } = chat.RoomEvent_Kind;

/** Somebody who has caught up with a room, and gets what comes. */
export interface LiveReader {
  /** Whether it wants to know who is in the room. */
  readonly wantsPresence: boolean;
  /** A group of notes has come. */
  hear(group: Group): void;
  /** Something else has happened behind the last note. */
  tell(message: EncodedEvents): void;
  /** Looks whether it is too slow. */
  look(now: number): void;
  /** The log is another one than the reader has read. */
  lose(last: number): void;
  /** The room was deleted. */
  end(): void;
}

/** How often it is looked whether somebody is too slow, in milliseconds. */
const lookMs = 250;

/**
 * When to tell readers of what came meanwhile: after so many times as long as telling them took. So many readers of a busy
 * room get several notes in a message, and others in this process have their turn. Below some time, in milliseconds, it
 * does not matter.
 */
const restTimes = 2;
const shortMs = 2;
const longestRestMs = 200;

/** How long nothing happens before readers are told so, in milliseconds. */
const checkpointMs = 15_000;

/** What happens in a room, for all of its readers in this process: there is one for a room, as long as it has readers. */
export class RoomFeed {
  readonly room: string;
  #recent: RecentNotes;
  readonly #following: Following;
  readonly #presence: Presence;
  readonly #readers = new Set<LiveReader>();
  readonly #unwatch: () => void;
  readonly #timer: NodeJS.Timeout;
  /** Notes that readers are told of next, and the number of the last note that was heard of. */
  #waiting: chat.Note[] = [];
  #heard: number;
  #rest: NodeJS.Timeout | undefined;
  #spokenAt = performance.now();
  #lookedAt = performance.now();

  private constructor(room: string, following: Following, presence: Presence, recent: RecentNotes) {
    this.room = room;
    this.#recent = recent;
    this.#heard = recent.last;
    this.#following = following;
    this.#presence = presence;
    this.#unwatch = presence.watch(room, ({ kind, members }) => {
      const message = encodeEvents([memberEvent(kind, members, this.recent.last)]);
      for (const reader of this.#readers) if (reader.wantsPresence) reader.tell(message);
    });
    this.#timer = setInterval(() => this.#look(), lookMs).unref();
  }

  static async open(room: string, log: NoteLog, presence: Presence): Promise<RoomFeed> {
    const early: chat.Note[] = [];
    let hear = (notes: readonly chat.Note[]): void => void early.push(...notes);
    let end = (seq: number): void => void (deleted = seq);
    let deleted: number | undefined;
    const following = await log.follow(
      room,
      (notes) => hear(notes),
      (seq) => end(seq),
    );
    const feed = new RoomFeed(room, following, presence, new RecentNotes(following.from));
    hear = (notes) => feed.#hear(notes);
    end = (seq) => feed.#end(seq);
    if (early.length > 0) hear(early);
    if (deleted !== undefined && deleted > feed.recent.last) feed.#end(deleted);
    return feed;
  }

  /** The last notes. */
  get recent(): RecentNotes {
    return this.#recent;
  }

  /** From now on a reader that has all notes up to the last gets what comes. @returns what ends that */
  join(reader: LiveReader): () => void {
    this.#readers.add(reader);
    return () => void this.#readers.delete(reader);
  }

  /** Who is in the room, as an event. */
  async present(): Promise<EncodedEvents> {
    const members = await this.#presence.members(this.room);
    return encodeEvents([memberEvent(KIND_PRESENT, members, this.recent.last)]);
  }

  close(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#rest);
    this.#unwatch();
    this.#following.close();
  }

  #hear(notes: readonly chat.Note[]): void {
    this.#spokenAt = performance.now();
    const first = Number(notes[0]?.seq);
    if (first <= this.#heard) this.#startOver(first - 1);
    this.#heard = Number(notes.at(-1)?.seq);
    this.#waiting.push(...notes);
    if (this.#rest === undefined) this.#fanOut();
  }

  /** Tells the readers of all notes that wait. */
  #fanOut(): void {
    const notes = this.#waiting;
    this.#waiting = [];
    const startedAt = performance.now();
    for (const group of this.recent.add(notes)) for (const reader of this.#readers) reader.hear(group);
    const tookMs = performance.now() - startedAt;
    if (tookMs < shortMs) return;
    this.#rest = setTimeout(
      () => {
        this.#rest = undefined;
        if (this.#waiting.length > 0) this.#fanOut();
      },
      Math.min(tookMs * restTimes, longestRestMs),
    ).unref();
  }

  /** The log was lost, and begins anew: what readers have of it is not in it any more. */
  #startOver(last: number): void {
    this.#begin(last, 'lost');
    for (const reader of this.#readers) reader.lose(last);
  }

  /** The room was deleted: one of the same name goes on behind that. */
  #end(seq: number): void {
    this.#heard = seq;
    this.#begin(seq, 'deleted');
    for (const reader of this.#readers) reader.end();
  }

  #begin(last: number, why: 'lost' | 'deleted'): void {
    this.#recent.over = why;
    this.#recent = new RecentNotes(last);
    this.#waiting = [];
  }

  #look(): void {
    const now = performance.now();
    // When this process was late itself, readers had no chance to take anything.
    if (now - this.#lookedAt < lookMs * 2) for (const reader of this.#readers) reader.look(now);
    this.#lookedAt = now;
    if (now - this.#spokenAt < checkpointMs) return;
    this.#spokenAt = now;
    const message = encodeEvents([checkpointEvent(this.recent.last)]);
    for (const reader of this.#readers) reader.tell(message);
  }
}
