import { Logger } from '@nestjs/common';
import { RpcError } from '@rollcall/grpc';
import type { chat } from '@rollcall/proto';
import type { NatsLink } from '../nats/nats-link.ts';
import { startOf } from './room-stream.ts';
import type { RoomStreams } from './room-streams.ts';
import type { StreamReader } from './stream-reader.ts';

/** How many notes are read at a time that were not heard. */
const pageSize = 256;

/** How many notes are held that were heard ahead of others. Those beyond are read. */
const maxAhead = 1000;

/** How long to wait before the next try to read, in milliseconds: at least, and how much more at random. */
const retryMs = 100;
const retryJitterMs = 200;

const logger = new Logger('notes');

interface Hearer {
  readonly hear: (notes: readonly chat.Note[]) => void;
  readonly onDeleted: (seq: number) => void;
}

/**
 * The end of one room's stream, for all in this process who follow it. What the server tells of is a hint, and costs it
 * nothing to give; the numbers of the stream are the truth: a number that was not heard is read.
 */
export class RoomTail {
  readonly #room: string;
  readonly #link: NatsLink;
  readonly #streams: RoomStreams;
  readonly #reader: StreamReader;
  readonly #believeLossMs: number;
  readonly #hearers = new Set<Hearer>();
  /** Heard, and not told of yet; undefined for what is no note. */
  readonly #ahead = new Map<number, chat.Note | undefined>();
  /** The number of the last note that was told of; undefined before it is known. */
  #at: number | undefined;
  /** The highest number that was heard of. */
  #heard = 0;
  /** Since when the stream's last number has been lower than ours, and the lowest that it was. */
  #lowered: { readonly sinceMs: number; readonly last: number } | undefined;
  #catchingUp = false;
  #telling = false;
  #retry: NodeJS.Timeout | undefined;
  #unsubscribe: () => void = () => undefined;
  #closed = false;

  /** @param believeLossMs how long the stream must be shorter than it was to be taken for another one */
  constructor(room: string, link: NatsLink, streams: RoomStreams, reader: StreamReader, believeLossMs: number) {
    this.#room = room;
    this.#believeLossMs = believeLossMs;
    this.#link = link;
    this.#streams = streams;
    this.#reader = reader;
  }

  /** Finds the end of the stream. @throws RpcError LOG_UNAVAILABLE */
  async start(): Promise<void> {
    // Listening comes first, so that nothing falls between.
    this.#unsubscribe = this.#link.subscribe(this.#streams.toldSubjectOf(this.#room), ({ headers, data }) => {
      const seq = startOf(headers?.get('Nats-Stream') ?? '') + Number(headers?.get('Nats-Sequence'));
      if (Number.isSafeInteger(seq) && seq > 0) this.#hear(seq, data);
    });
    try {
      this.#at = (await this.#streams.bounds(this.#room)).last;
      this.#forgetUpTo(this.#at);
    } catch (error) {
      this.close();
      throw error;
    }
    this.#tellSoon();
  }

  /** Tells of every note from now on. @returns the number of the last note before those, and what ends it */
  join(
    hear: (notes: readonly chat.Note[]) => void,
    onDeleted: (seq: number) => void,
  ): { readonly from: number; readonly leave: () => void } {
    if (this.#at === undefined) throw new Error('the tail has not started');
    const own = { hear, onDeleted };
    this.#hearers.add(own);
    return { from: this.#at, leave: () => void this.#hearers.delete(own) };
  }

  /** The room was deleted. What follows is behind the number that stands for that. */
  end(seq: number): void {
    if (this.#closed || this.#at === undefined || seq <= this.#at) return;
    this.#at = seq;
    this.#lowered = undefined;
    this.#forgetUpTo(seq);
    for (const { onDeleted } of this.#hearers) onDeleted(seq);
  }

  /** Looks whether the stream goes further than was heard. */
  async look(): Promise<void> {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    if (this.#catchingUp || this.#closed || this.#at === undefined) return;
    this.#catchingUp = true;
    let mayLook = true;
    try {
      while (await this.#readOn()) continue;
    } catch (error) {
      if (!(error instanceof RpcError)) logger.error(error);
      // Without a connection the next one makes us look again, and nothing else may: each try would fail at once.
      if (this.#link.isConnected) this.#lookLater();
      else mayLook = false;
    } finally {
      this.#catchingUp = false;
    }
    this.#tell(mayLook);
  }

  close(): void {
    this.#closed = true;
    this.#unsubscribe();
    clearTimeout(this.#retry);
    this.#ahead.clear();
  }

  #hear(seq: number, data: Uint8Array): void {
    this.#heard = Math.max(this.#heard, seq);
    const isNext = this.#at === undefined || seq > this.#at;
    if (isNext) this.#lowered = undefined; // the stream goes on: whoever said otherwise did not lead it any more
    if (!isNext || this.#ahead.size >= maxAhead || this.#ahead.has(seq)) return;
    this.#ahead.set(seq, this.#reader.decode(data, this.#room, seq));
    this.#tellSoon();
  }

  /** Those that come in one turn are told of together. */
  #tellSoon(): void {
    if (this.#telling) return;
    this.#telling = true;
    queueMicrotask(() => {
      this.#telling = false;
      if (!this.#catchingUp) this.#tell();
    });
  }

  /** Tells of what follows the last one, and reads what is missing before the others unless that cannot be. */
  #tell(mayLook = true): void {
    if (this.#at === undefined || this.#closed) return;
    const notes: chat.Note[] = [];
    let at = this.#at;
    for (; this.#ahead.has(at + 1); at += 1) {
      const note = this.#ahead.get(at + 1);
      this.#ahead.delete(at + 1);
      if (note !== undefined) notes.push(note);
    }
    this.#give(notes, at);
    if (mayLook && this.#heard > at && this.#retry === undefined) void this.look();
  }

  /** Reads some of what follows. @returns whether there is more */
  async #readOn(): Promise<boolean> {
    const from = this.#at ?? 0;
    const { notes, upTo, first, last } = await this.#reader.read(this.#room, from, pageSize);
    if (this.#closed) return false;
    if ((this.#at ?? 0) !== from) return true; // it was deleted meanwhile
    if (first > from + 1) {
      // Retention has removed what is missing, or it was deleted, which we have not heard.
      const deletedSeq = await this.#streams.deletedSeq(this.#room);
      if (deletedSeq > (this.#at ?? 0)) {
        this.end(deletedSeq);
        return true;
      }
      if (this.#closed || (this.#at ?? 0) !== from) return !this.#closed;
    }
    if (last < from) return this.#fallBack(last);
    this.#lowered = undefined;
    this.#give(notes, upTo);
    this.#forgetUpTo(upTo);
    if (upTo === from && upTo < this.#heard) {
      this.#lookLater(); // whoever answered lags behind what was heard
      return false;
    }
    // What was heard meanwhile need not be read, unless something is missing before it.
    return upTo < Math.max(last, this.#heard) && !this.#ahead.has(upTo + 1);
  }

  /**
   * The stream ends before the last note that was told of: it was lost with its disk, or made again. A server that does not
   * know yet that it has lost the lead of a cluster says so too, so that it is believed when it stays so.
   *
   * @returns whether there is something to read
   */
  #fallBack(last: number): boolean {
    const now = performance.now();
    const { sinceMs, last: lowest } = this.#lowered ?? { sinceMs: now, last };
    this.#lowered = { sinceMs, last: Math.min(lowest, last) };
    if (now - sinceMs < this.#believeLossMs) return false;
    logger.error(`the room ${this.#room} has lost notes: its last was ${this.#at}, and is ${last}`);
    this.#at = this.#lowered.last;
    this.#heard = last;
    this.#lowered = undefined;
    this.#ahead.clear();
    return this.#at < last;
  }

  #forgetUpTo(seq: number): void {
    for (const held of this.#ahead.keys()) if (held <= seq) this.#ahead.delete(held);
  }

  #lookLater(): void {
    this.#retry ??= setTimeout(() => void this.look(), retryMs + Math.random() * retryJitterMs).unref();
  }

  #give(notes: readonly chat.Note[], upTo: number): void {
    this.#at = upTo;
    if (notes.length === 0) return;
    for (const { hear } of this.#hearers) {
      try {
        hear(notes);
      } catch (error) {
        logger.error(error); // it is the hearer's own, and costs no one else
      }
    }
  }
}
