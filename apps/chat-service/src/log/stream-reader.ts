import { Logger } from '@nestjs/common';
import type { chat } from '@rollcall/proto';
import { isMessageNotFound } from '../nats/nats-errors.ts';
import type { NatsLink } from '../nats/nats-link.ts';
import { startOf } from './room-stream.ts';
import type { RoomStreams } from './room-streams.ts';
import { decodeNote } from './stored-note.ts';

/** How many messages are asked for at a time, and how many bytes are read at the most, the last request left out. */
const atATime = 64;
const maxReadBytes = 256 * 1024;

/** How often it is said of a room that messages of it cannot be read, in milliseconds. */
const sayEveryMs = 60_000;

/** Notes that were read. */
export interface Read {
  readonly notes: chat.Note[];
  /** Up to which number nothing is left to read: behind the last note when messages are missing, or are no notes. */
  readonly upTo: number;
  /** The number of the room's first note that is kept, and of its last one, at that time. */
  readonly first: number;
  readonly last: number;
}

const logger = new Logger('notes');

/** Reads the notes of rooms by their numbers. */
export class StreamReader {
  readonly #link: NatsLink;
  readonly #streams: RoomStreams;
  #saidAt = -sayEveryMs;

  constructor(link: NatsLink, streams: RoomStreams) {
    this.#link = link;
    this.#streams = streams;
  }

  /** Reads the notes behind a number, in order, up to some number of them and of bytes. @throws RpcError LOG_UNAVAILABLE */
  async read(room: string, afterSeq: number, limit: number): Promise<Read> {
    const { first, last, stream } = await this.#streams.find(room);
    const notes: chat.Note[] = [];
    let upTo = Math.min(Math.max(afterSeq, first - 1), last);
    for (let bytes = 0; stream !== undefined && upTo < last && notes.length < limit && bytes < maxReadBytes;) {
      const count = Math.min(limit - notes.length, last - upTo, atATime);
      const start = upTo + 1;
      const messages = await Promise.all(
        Array.from({ length: count }, (_, index) => this.#bytes(stream, start + index)),
      );
      messages.forEach((data, index) => {
        const note = data && this.decode(data, room, start + index);
        if (note !== undefined) notes.push(note);
        bytes += data?.length ?? 0;
      });
      upTo += count;
    }
    return { notes, upTo, first, last };
  }

  /** One note; undefined when it is not kept. @throws RpcError LOG_UNAVAILABLE */
  async find(room: string, stream: string, seq: number): Promise<chat.Note | undefined> {
    const data = await this.#bytes(stream, seq);
    return data && this.decode(data, room, seq);
  }

  /** A message as a note. One that is none, because others write to our subjects, is left out, so that the room goes on. */
  decode(data: Uint8Array, room: string, seq: number): chat.Note | undefined {
    const note = decodeNote(data, room, seq);
    const now = performance.now();
    if (note === undefined && now - this.#saidAt >= sayEveryMs) {
      this.#saidAt = now;
      logger.error(`the message ${seq} in the stream of the room ${room} is no note: it is left out`);
    }
    return note;
  }

  /** @returns undefined when there is no such message */
  #bytes(stream: string, noteSeq: number): Promise<Uint8Array | undefined> {
    const seq = noteSeq - startOf(stream);
    return this.#link.ask(async ({ jsm }) => {
      const message = await jsm.direct.getMessage(stream, { seq });
      if (message !== null) return message.data;
      // Any server of a cluster answers that, also one that lags behind. Whether it is truly gone, the leader knows.
      try {
        return (await jsm.streams.getMessage(stream, { seq }))?.data;
      } catch (error) {
        if (isMessageNotFound(error)) return undefined;
        throw error;
      }
    });
  }
}
