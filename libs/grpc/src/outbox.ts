import type { Writable } from 'node:stream';
import { reportPressure } from './demand.ts';

/** What waits in a stream before it counts as full. At half of both it takes more again. */
const fullBytes = 64 * 1024;
const fullMessages = 32;

/**
 * Sends encoded messages to a stream of grpc-js, and reports pressure while it is full. The stream itself counts
 * messages alone, sixteen of them, whatever their size.
 */
export class Outbox {
  readonly #stream: Writable;
  readonly #maxUnsentBytes: number;
  #unsentBytes = 0;
  #unsentMessages = 0;
  #relief: PromiseWithResolvers<void> | undefined;

  /** @param maxUnsentBytes what may wait when the source goes on in spite of the pressure */
  constructor(stream: Writable, maxUnsentBytes: number) {
    this.#stream = stream;
    this.#maxUnsentBytes = maxUnsentBytes;
    stream.on('close', () => this.#relieve());
  }

  /** @returns false when too much waits; the stream has to end */
  send(message: Buffer): boolean {
    const { length } = message;
    this.#unsentBytes += length;
    this.#unsentMessages += 1;
    this.#stream.write(message, () => {
      this.#unsentBytes -= length;
      this.#unsentMessages -= 1;
      if (this.#unsentBytes <= fullBytes / 2 && this.#unsentMessages <= fullMessages / 2) this.#relieve();
    });
    const full = this.#unsentBytes >= fullBytes || this.#unsentMessages >= fullMessages;
    if (!full || this.#stream.destroyed) return true;
    this.#relief ??= Promise.withResolvers();
    reportPressure(this.#relief.promise);
    return this.#unsentBytes <= this.#maxUnsentBytes + length;
  }

  #relieve(): void {
    this.#relief?.resolve();
    this.#relief = undefined;
  }
}
