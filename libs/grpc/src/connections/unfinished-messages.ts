import { status as Status } from '@grpc/grpc-js';
import { requestTooLarge } from '../status/call-errors.ts';
import type { MessageFinder } from '../internals/http2-streams.ts';
import { RpcError } from '../status/rpc-error.ts';

/** A message of which only a part has come. */
export interface UnfinishedMessage {
  /** Ends its call, which is told that too much was under way. */
  drop(): void;
}

/** What counts the bytes of messages that have not come to their end. */
export interface MessageHold {
  hold(message: UnfinishedMessage, moreBytes: number): void;
  release(message: UnfinishedMessage, bytes: number): void;
}

export interface MessageDecoderOptions {
  /** The largest message that is taken. */
  readonly maxBytes: number;
  /** Whether the call has said how its messages are compressed. */
  readonly compressed: boolean;
  readonly counted: MessageHold;
  /** Ends the call, once. */
  readonly refuse: (error: RpcError) => void;
}

const headBytes = 5;
/** What is held of a message to begin with. It grows with what comes, not with what the message says it will be. */
const firstBytes = 1024;

/**
 * Finds the messages in what a call sends. It takes the place of the decoder of grpc-js, which holds a piece of memory for
 * each piece that comes, of whatever size, and has one limit for all methods.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md Length-Prefixed-Message
 */
export class MessageDecoder implements MessageFinder, UnfinishedMessage {
  readonly #options: MessageDecoderOptions;
  /** What has come of a message, its head among it. */
  #held: Buffer | undefined;
  #heldBytes = 0;
  /** The size of the message with its head; 0 while that is not known. */
  #size = 0;
  #over = false;
  /** Since when a message waits for its end, in milliseconds since the epoch. */
  #since = 0;

  constructor(options: MessageDecoderOptions) {
    this.#options = options;
  }

  get insideMessage(): boolean {
    return this.#held !== undefined;
  }

  /** Since when a message waits for its end, in milliseconds since the epoch; undefined when none does. */
  get waitingSince(): number | undefined {
    return this.#held === undefined ? undefined : this.#since;
  }

  /** The sender could not go on until now. */
  waitAnew(now: number): void {
    this.#since = now;
  }

  /** @returns the messages that are whole by now, each behind its head */
  write(data: Buffer): Buffer[] {
    const messages: Buffer[] = [];
    let at = 0;
    while (at < data.length && !this.#over) {
      if (this.#held === undefined) {
        const size = data.length - at < headBytes ? 0 : this.#sizeOf(data, at);
        if (this.#over) break;
        if (size > 0 && at + size <= data.length) {
          messages.push(Buffer.from(data.subarray(at, at + size))); // not a view, which would keep all of `data`
          at += size;
          continue;
        }
        this.#size = size;
        this.#since = Date.now();
      }
      at += this.#append(data, at);
      if (this.#size > 0 && this.#heldBytes === this.#size) messages.push(this.#take());
    }
    return messages;
  }

  /** The call is over. */
  close(): void {
    this.#over = true;
    this.#release();
  }

  drop(): void {
    this.#refuse(tooMuchUnfinished());
  }

  /** Takes what belongs to the message that is held. @returns how many bytes */
  #append(data: Buffer, at: number): number {
    const wanted = (this.#size === 0 ? headBytes : this.#size) - this.#heldBytes;
    const bytes = Math.min(wanted, data.length - at);
    const held = this.#room(this.#heldBytes + bytes);
    if (this.#over) return bytes;
    data.copy(held, this.#heldBytes, at, at + bytes);
    this.#heldBytes += bytes;
    if (this.#size === 0 && this.#heldBytes === headBytes) this.#size = this.#sizeOf(held, 0);
    return bytes;
  }

  /** Makes room for so many bytes. */
  #room(bytes: number): Buffer {
    const held = this.#held ?? noBytes;
    if (bytes <= held.length) return held;
    const doubled = Math.max(bytes, held.length * 2, firstBytes);
    // While the size is not known, the head alone has come.
    const room = Buffer.allocUnsafe(this.#size === 0 ? headBytes : Math.min(doubled, this.#size));
    held.copy(room, 0, 0, this.#heldBytes);
    this.#held = room;
    this.#options.counted.hold(this, room.length - held.length);
    return room;
  }

  #take(): Buffer {
    const message = this.#held ?? noBytes;
    this.#release();
    return message;
  }

  #release(): void {
    if (this.#held === undefined) return;
    this.#options.counted.release(this, this.#held.length);
    this.#held = undefined;
    this.#heldBytes = 0;
    this.#size = 0;
  }

  /** Reads a head. @returns the size of the message with it */
  #sizeOf(data: Buffer, at: number): number {
    const { maxBytes, compressed } = this.#options;
    const flag = data[at] ?? 0;
    const bytes = data.readUInt32BE(at + 1);
    if (flag > 1 || (flag === 1 && !compressed)) this.#refuse(compressedUnsaid());
    else if (bytes > maxBytes) this.#refuse(requestTooLarge(bytes, maxBytes));
    return headBytes + bytes;
  }

  #refuse(error: RpcError): void {
    if (this.#over) return;
    this.close();
    this.#options.refuse(error);
  }
}

const noBytes = Buffer.alloc(0);

function compressedUnsaid(): RpcError {
  const message = 'A message says that it is compressed, and the grpc-encoding of the call does not say how.';
  return new RpcError(Status.INTERNAL, 'MALFORMED_REQUEST', message);
}

function tooMuchUnfinished(): RpcError {
  const message = 'Too many messages had begun and not come to their end, and this one had waited longest.';
  return new RpcError(Status.RESOURCE_EXHAUSTED, 'REQUEST_TOO_LARGE', message, { retryDelayMs: 1000 });
}
