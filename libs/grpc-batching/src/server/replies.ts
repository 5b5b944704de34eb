import type { ServerDuplexStream } from '@grpc/grpc-js';
import { emit, WriteBuffer, WriteBufferBudget } from '@rollcall/grpc';
import { encodeBatchResponse, fullFrameBytes, type ReplyEntry, replySize } from '../wire/frames.ts';

/**
 * The answers of a stream that carries calls. Those of one turn of the event loop leave together. While the peer does not
 * take them they wait, and nothing more is read of it.
 */
export class BatchReplies {
  readonly #stream: ServerDuplexStream<Buffer, Buffer>;
  readonly #writeBuffer: WriteBuffer;
  readonly #onSent: () => void;
  #replies: ReplyEntry[] = [];
  #draining = false;
  #drainTold = false;
  #scheduled = false;
  /** Whether what is answered now leaves before other events are looked at. */
  #leaveAfterTurn = false;
  #fullSince: number | undefined;
  /** Whether the peer has sent more calls than are to wait here. */
  #braked = false;
  #over = false;

  /** @param onSent called whenever what the peer takes of them has been sent */
  constructor(stream: ServerDuplexStream<Buffer, Buffer>, onSent: () => void) {
    this.#stream = stream;
    this.#writeBuffer = new WriteBuffer(stream, Infinity, new WriteBufferBudget());
    this.#onSent = onSent;
  }

  /** Whether none waits. */
  get empty(): boolean {
    return this.#replies.length === 0;
  }

  /** Whether new calls are to go elsewhere. */
  get draining(): boolean {
    return this.#draining;
  }

  /** Since when the peer does not take what is sent, in milliseconds since the epoch. */
  get fullSince(): number | undefined {
    return this.#fullSince;
  }

  /** Has no more read of the peer, or has it read again as soon as it takes its answers. */
  brake(on: boolean): void {
    if (on === this.#braked) return;
    this.#braked = on;
    if (on) this.#stream.pause();
    else if (this.#fullSince === undefined && !this.#over) this.#stream.resume();
  }

  add(reply: ReplyEntry): void {
    if (this.#over) return;
    this.#replies.push(reply);
    this.schedule();
  }

  /** Has the peer told that new calls are to go elsewhere. */
  drain(): void {
    this.#draining = true;
    this.schedule();
  }

  /** Sends what is there behind the events of this turn. */
  schedule(): void {
    if (this.#leaveAfterTurn || this.#scheduled || this.#fullSince !== undefined || this.#over) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#send();
    });
  }

  /** To be called before calls are started: those that are answered at once are answered ahead of all other events. */
  scheduleFirst(): void {
    if (this.#leaveAfterTurn) return;
    this.#leaveAfterTurn = true;
    // Behind all promises that are settled by then.
    queueMicrotask(() =>
      process.nextTick(() => {
        this.#leaveAfterTurn = false;
        this.#send();
      }),
    );
  }

  /** Sends the last of them, whether the peer takes them or not. */
  end(): void {
    while (this.#replies.length > 0) this.#write(this.#next());
    this.#over = true;
  }

  /** Drops those that wait. */
  drop(): void {
    this.#over = true;
    this.#replies = [];
  }

  /** Sends what is there, as far as the peer takes it. */
  #send(): void {
    if (this.#over) return;
    if (this.#draining && !this.#drainTold && this.#replies.length === 0) this.#write([]);
    while (this.#replies.length > 0 && this.#fullSince === undefined) this.#write(this.#next());
    this.#onSent();
  }

  /** Takes the replies that go into one message. */
  #next(): readonly ReplyEntry[] {
    let bytes = 0;
    let count = 0;
    for (const reply of this.#replies) {
      bytes += replySize(reply);
      if (count > 0 && bytes > fullFrameBytes) break;
      count += 1;
    }
    const next = this.#replies;
    this.#replies = next.splice(count);
    return next;
  }

  #write(replies: readonly ReplyEntry[]): void {
    this.#drainTold = this.#draining;
    const frame = encodeBatchResponse({ replies, draining: this.#draining });
    const taken = emit({ next: (message: Buffer) => this.#writeBuffer.send(message) }, frame);
    if (taken === undefined) return;
    this.#fullSince ??= Date.now();
    this.#stream.pause();
    void taken.then(() => {
      this.#fullSince = undefined;
      if (this.#over) return;
      if (!this.#braked) this.#stream.resume();
      this.#send();
    });
  }
}
