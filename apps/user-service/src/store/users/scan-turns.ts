import { currentCall } from '@rollcall/grpc';
import { callerNow, CallerQueue } from './caller-queue.ts';

/** What windows of scans may cost together before others have a turn, in comparisons. It is about half a millisecond. */
export const turnCost = 2000;

/** How long scans rest while others ask for users, in milliseconds: the least that a timer waits. */
const restMs = 1;

interface Waiting {
  readonly cost: number;
  readonly signal: AbortSignal | undefined;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** The part of a scan that comes next. */
export interface Turn {
  /** What it costs, in comparisons of a user's field with a value. */
  readonly cost: number;
  /** Ends the scan: by default the call that it is made for. */
  readonly signal?: AbortSignal | undefined;
  /** Whether it may wait however many wait already: it is part of a stream, whose number is bounded. */
  readonly isStream?: boolean;
  /** Whose scan it is: by default that of the user who calls, or of an address where that is nobody. */
  readonly caller?: string;
}

/**
 * Lets scans of the embedded store, which run on the thread that serves all, go on window by window. Between windows all
 * else has its turn; the callers who scan have theirs one after the other, however many scans each of them has.
 */
export class ScanTurns {
  readonly #asked: () => number;
  readonly #queue = new CallerQueue<Waiting>();
  #seen = 0;
  #isScheduled = false;

  /** @param asked how often others have asked for users: while that grows, scans take no more than a part of the time */
  constructor(asked: () => number = () => 0) {
    this.#asked = asked;
  }

  /**
   * Waits until it is the turn of a window.
   *
   * @throws RpcError RATE_LIMITED when too many calls wait already, or what the signal fired with
   */
  async next({ cost, signal = currentCall()?.signal, isStream = false, caller = callerNow() }: Turn): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#queue.push(caller, { cost, signal, resolve, reject }, isStream);
    this.#schedule();
    return promise;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#queue.isEmpty) return;
    this.#isScheduled = true;
    const asked = this.#asked();
    const isAsked = asked !== this.#seen;
    this.#seen = asked;
    if (isAsked) setTimeout(() => this.#run(), restMs);
    else setImmediate(() => this.#run());
  }

  /** Lets windows run, at least one, until they cost a turn. */
  #run(): void {
    this.#isScheduled = false;
    let cost = 0;
    for (let first = this.#queue.first(); first !== undefined; first = this.#queue.first()) {
      const isWanted = first.signal?.aborted !== true;
      if (isWanted && cost > 0 && cost + first.cost > turnCost) break;
      this.#queue.shift();
      if (isWanted) {
        cost += first.cost;
        first.resolve();
      } else first.reject(first.signal?.reason);
    }
    this.#schedule();
  }
}
