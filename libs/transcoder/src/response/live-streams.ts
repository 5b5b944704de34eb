import { endOfServer } from '@rollcall/grpc';

/** A response stream under way. */
export interface LiveStream {
  /** Says goodbye, where its form has a word for it. */
  bye(): void;
  /** Ends it with an error. */
  fail(error: unknown): void;
  /** Ends it without another word. */
  cut(): void;
}

/** The response streams under way, for the time when the server ends. */
export class LiveStreams {
  readonly #streams = new Set<LiveStream>();
  #empty: PromiseWithResolvers<void> | undefined;

  /** @returns takes the stream out again */
  enter(stream: LiveStream): () => void {
    this.#streams.add(stream);
    return () => {
      this.#streams.delete(stream);
      if (this.#streams.size === 0) this.#empty?.resolve();
    };
  }

  /**
   * Says goodbye to the streams that have a word for it, waits for the others, ends those that take longer than the
   * limit, and cuts those whose readers do not even read that.
   */
  async drain(limitMs: number): Promise<void> {
    for (const stream of this.#streams) stream.bye();
    if (this.#streams.size === 0) return;
    this.#empty = Promise.withResolvers();
    const resetGraceMs = Math.min(1000, limitMs / 5);
    const timers = [
      setTimeout(() => this.#streams.forEach((stream) => stream.fail(endOfServer())), limitMs - 1.5 * resetGraceMs),
      setTimeout(() => this.#streams.forEach((stream) => stream.cut()), limitMs - 0.5 * resetGraceMs),
    ];
    await this.#empty.promise;
    timers.forEach(clearTimeout);
  }
}
