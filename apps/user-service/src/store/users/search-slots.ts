import { currentCall } from '@rollcall/grpc';
import { callerNow, CallerQueue } from './caller-queue.ts';

interface Waiting {
  readonly signal: AbortSignal | undefined;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** Lets so many searches have a connection of the database at a time, so that there are others for all else. */
export class SearchSlots {
  readonly #queue = new CallerQueue<Waiting>();
  #free: number;

  constructor(slots: number) {
    this.#free = slots;
  }

  /**
   * Searches when it is the caller's turn.
   *
   * @param signal ends the wait: by default that of the call
   * @throws RpcError RATE_LIMITED when too many wait already, or what the signal fired with
   */
  async run<T>(search: () => Promise<T>, signal = currentCall()?.signal): Promise<T> {
    await this.#enter(signal);
    try {
      return await search();
    } finally {
      this.#leave();
    }
  }

  async #enter(signal: AbortSignal | undefined): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#queue.push(callerNow(), { signal, resolve, reject });
    return promise;
  }

  #leave(): void {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      if (next.signal?.aborted !== true) return next.resolve();
      next.reject(next.signal.reason);
    }
    this.#free += 1;
  }
}
