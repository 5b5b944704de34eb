import type { Writable } from 'node:stream';
import { reportBackpressure } from './backpressure.ts';

/** What waits in a stream before it counts as full. At half of both it takes more again. */
const fullBytes = 64 * 1024;
const fullMessages = 32;

/** What may wait in all streams of one budget together before each of them counts as full with less. */
const budgetBytes = 1024 * 1024;
const fullBytesBeyondBudget = 8 * 1024;

/** What waits in several streams together: a hundred slow readers have less each than one. */
export class WriteBufferBudget {
  unsentBytes = 0;

  /** What makes a stream of this budget full, in bytes. */
  get fullBytes(): number {
    return this.unsentBytes < budgetBytes ? fullBytes : fullBytesBeyondBudget;
  }
}

/**
 * Sends encoded messages to a stream of grpc-js, and reports pressure while it is full. The stream itself counts
 * messages alone, sixteen of them, whatever their size.
 */
export class WriteBuffer {
  readonly #stream: Writable;
  readonly #maxUnsentBytes: number;
  readonly #budget: WriteBufferBudget;
  #unsentBytes = 0;
  #unsentMessages = 0;
  #closed = false;
  #relief: PromiseWithResolvers<void> | undefined;

  /** @param maxUnsentBytes what may wait when the source goes on in spite of the pressure */
  constructor(stream: Writable, maxUnsentBytes: number, budget: WriteBufferBudget) {
    this.#stream = stream;
    this.#maxUnsentBytes = maxUnsentBytes;
    this.#budget = budget;
    stream.on('close', () => this.#close());
  }

  /** @returns false when too much waits; the stream has to end */
  send(message: Buffer): boolean {
    const { length } = message;
    if (this.#closed) return true; // nobody is left to send it to
    this.#unsentBytes += length;
    this.#budget.unsentBytes += length;
    this.#unsentMessages += 1;
    this.#stream.write(message, () => this.#sent(length));
    const full = this.#unsentBytes >= this.#budget.fullBytes || this.#unsentMessages >= fullMessages;
    if (!full || this.#stream.destroyed) return true;
    this.#relief ??= Promise.withResolvers();
    reportBackpressure(this.#relief.promise);
    return this.#unsentBytes <= this.#maxUnsentBytes + length;
  }

  #sent(length: number): void {
    if (this.#closed) return;
    this.#unsentBytes -= length;
    this.#budget.unsentBytes -= length;
    this.#unsentMessages -= 1;
    if (this.#unsentBytes <= this.#budget.fullBytes / 2 && this.#unsentMessages <= fullMessages / 2) this.#relieve();
  }

  /** The stream has dropped what it had, and does not tell so of every message. */
  #close(): void {
    this.#closed = true;
    this.#budget.unsentBytes -= this.#unsentBytes;
    this.#relieve();
  }

  #relieve(): void {
    this.#relief?.resolve();
    this.#relief = undefined;
  }
}
