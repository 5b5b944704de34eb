import { emit } from '@rollcall/grpc';
import type { chat } from '@rollcall/proto';
import type { Subscriber } from 'rxjs';
import { readerTooSlow, roomDeleted, seqUnknown } from '../errors/chat-errors.ts';
import type { NoteLog } from '../log/note-log.ts';
import { type Group, messageBehind } from '../rooms/recent-notes.ts';
import { checkpointEvent, encodeEvents, type EncodedEvents, eventsOf, gapEvent } from '../rooms/events.ts';
import type { LiveReader, RoomFeed } from '../rooms/feed.ts';

/** How many notes are read at a time. */
const pageSize = 100;

/** What may wait for a live reader that takes nothing, in bytes; and for how long it may take nothing, in milliseconds. */
const maxWaitingBytes = 256 * 1024;
const maxWaitingMs = 1000;

/**
 * One reader of a room. It first reads the log at its own pace. Once it has caught up it gets what comes as it comes; what
 * it does not take at once stays where it is kept for all, and it goes on from there, unless that takes too long.
 */
export class NoteStream implements LiveReader {
  readonly wantsPresence: boolean;
  readonly #log: NoteLog;
  readonly #feed: RoomFeed;
  readonly #subscriber: Subscriber<chat.StreamNotesResponse>;
  /** The number of the last note that was sent. */
  #position: number;
  /** What it had been sent when it was last looked at, and when it last took something. */
  #seenAt = 0;
  #tookAt = 0;
  #isFull = false;
  /** It has missed who came and left. */
  #missedMembers = false;
  #leave: (() => void) | undefined;

  constructor(
    log: NoteLog,
    feed: RoomFeed,
    subscriber: Subscriber<chat.StreamNotesResponse>,
    afterSeq: number,
    wantsPresence: boolean,
  ) {
    this.#log = log;
    this.#feed = feed;
    this.#subscriber = subscriber;
    this.#position = afterSeq;
    this.wantsPresence = wantsPresence;
  }

  /** Sends what there is, then lives on what comes. */
  async run(): Promise<void> {
    try {
      await this.#catchUp();
      if (this.#subscriber.closed) return;
      if (this.wantsPresence) await this.#tellMembers();
    } catch (error) {
      this.#subscriber.error(error);
    }
  }

  close(): void {
    this.#leave?.();
  }

  hear(group: Group): void {
    if (this.#isFull) return;
    if (group.after <= this.#position) this.#sendGroup(group);
    else this.#sendKept();
  }

  tell(message: EncodedEvents): void {
    if (this.#isFull) this.#missedMembers = true;
    else this.#send(message);
  }

  look(now: number): void {
    const stands = this.#position === this.#seenAt;
    this.#seenAt = this.#position;
    const { recent } = this.#feed;
    if (!this.#isFull || this.#position >= recent.last) return;
    const next = recent.behind(this.#position);
    const isTooMuch = next === undefined || (stands && recent.bytesFrom(next) > maxWaitingBytes);
    if (isTooMuch || now - Math.max(this.#tookAt, next.cameAt) > maxWaitingMs)
      this.#fail(readerTooSlow(this.#position));
  }

  lose(last: number): void {
    this.#fail(seqUnknown(String(this.#position), last));
  }

  end(): void {
    this.#fail(roomDeleted(this.#feed.room));
  }

  /** Sends what the reader has not got, and joins those who get what comes in the turn in which nothing is left. */
  async #catchUp(): Promise<void> {
    const { recent, room } = this.#feed;
    while (!this.#subscriber.closed) {
      if (recent.over === 'deleted') throw roomDeleted(room);
      if (recent.over === 'lost') throw seqUnknown(String(this.#position), this.#feed.recent.last);
      if (this.#position >= recent.last) {
        this.#leave = this.#feed.join(this);
        this.#send(encodeEvents([checkpointEvent(this.#position)]));
        return;
      }
      const group = recent.behind(this.#position);
      let full: Promise<void> | undefined;
      if (group !== undefined) {
        const message = messageBehind(group, this.#position);
        this.#position = group.last;
        full = emit(this.#subscriber, message);
      } else {
        const until = recent.last;
        const notes = (await this.#log.read(room, this.#position, pageSize)).filter(({ seq }) => Number(seq) <= until);
        if (this.#subscriber.closed) return;
        // What retention has removed behind the last note that was read is a gap too.
        const events = notes.length > 0 ? eventsOf(notes, this.#position) : [gapEvent(this.#position + 1, until)];
        this.#position = Number(events.at(-1)?.seq);
        full = emit(this.#subscriber, encodeEvents(events));
      }
      if (full !== undefined) await full;
    }
  }

  #sendGroup(group: Group): void {
    // Whoever comes from another replica may have notes that this one has yet to hear of.
    if (group.last <= this.#position) return;
    const message = messageBehind(group, this.#position);
    this.#position = group.last;
    this.#send(message);
  }

  #send(message: EncodedEvents): void {
    const full = emit(this.#subscriber, message);
    if (full === undefined) return;
    this.#isFull = true;
    // Whoever tells of something tells many: this one alone waits.
    void full.then(() => this.#goOn());
  }

  /** The reader takes more: it gets what has come meanwhile. */
  #goOn(): void {
    this.#isFull = false;
    this.#tookAt = performance.now();
    this.#sendKept();
    if (!this.#isFull && this.#missedMembers && !this.#subscriber.closed) void this.#tellMembers();
  }

  /** Sends all that is kept behind what the reader has got. */
  #sendKept(): void {
    const { recent } = this.#feed;
    while (!this.#isFull && this.#position < recent.last && !this.#subscriber.closed) {
      const group = recent.behind(this.#position);
      if (group === undefined) return this.#fail(readerTooSlow(this.#position));
      this.#sendGroup(group);
    }
  }

  async #tellMembers(): Promise<void> {
    this.#missedMembers = false;
    if (!this.wantsPresence) return;
    try {
      const message = await this.#feed.present();
      if (this.#isFull) this.#missedMembers = true;
      else if (!this.#subscriber.closed) this.#send(message);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#leave?.();
    this.#subscriber.error(error);
  }
}
