import { endOfServer } from '@rollcall/grpc';
import type { StreamResponse } from './stream-response.ts';

/** The response streams under way, for the time when the server ends. */
export class LiveStreams {
  readonly #streams = new Set<StreamResponse>();
  #empty: PromiseWithResolvers<void> | undefined;

  /** @returns takes the stream out again */
  enter(stream: StreamResponse): () => void {
    this.#streams.add(stream);
    return () => {
      this.#streams.delete(stream);
      if (this.#streams.size === 0) this.#empty?.resolve();
    };
  }

  /** Says goodbye to the streams that have a word for it, waits for the others, and ends those that take longer than the limit. */
  async drain(limitMs: number): Promise<void> {
    for (const stream of this.#streams) stream.bye();
    if (this.#streams.size === 0) return;
    this.#empty = Promise.withResolvers();
    const timer = setTimeout(() => {
      const error = endOfServer();
      for (const stream of this.#streams) stream.fail(error);
    }, limitMs);
    await this.#empty.promise;
    clearTimeout(timer);
  }
}
