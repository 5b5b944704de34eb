import type { Writable } from 'node:stream';
import { reportPressure } from './demand.ts';

/** Sends encoded messages to a stream of grpc-js, and reports pressure while it is full. */
export class Outbox {
  readonly #stream: Writable;
  readonly #maxUnsentBytes: number;
  #unsentBytes = 0;
  #drained: PromiseWithResolvers<void> | undefined;

  /** @param maxUnsentBytes what may wait when the source goes on in spite of the pressure */
  constructor(stream: Writable, maxUnsentBytes: number) {
    this.#stream = stream;
    this.#maxUnsentBytes = maxUnsentBytes;
    const relieve = (): void => {
      this.#unsentBytes = 0;
      this.#drained?.resolve();
      this.#drained = undefined;
    };
    stream.on('drain', relieve);
    stream.on('close', relieve);
  }

  /** @returns false when too much waits; the stream has to end */
  send(message: Buffer): boolean {
    if (this.#stream.write(message)) return true;
    // While nothing heeds the pressure, all that is written waits.
    this.#unsentBytes += message.length;
    this.#drained ??= Promise.withResolvers();
    reportPressure(this.#drained.promise);
    return this.#unsentBytes <= this.#maxUnsentBytes;
  }
}
