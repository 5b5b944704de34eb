import { currentCaller } from '@rollcall/access';
import { currentCall, RpcError } from '@rollcall/grpc';
import { status as Status } from '@grpc/grpc-js';

/** What windows of scans may cost together before others have a turn, in comparisons. It is about half a millisecond. */
export const turnCost = 2000;

/** How many calls of one caller, and of all, may wait for their next window. */
const maxWaitingOfCaller = 100;
const maxWaiting = 2000;

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
  /** Whoever waits, by caller. The first caller is the next. */
  readonly #callers = new Map<string, Waiting[]>();
  #waiting = 0;
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
  next({ cost, signal = currentCall()?.signal, isStream = false, caller = callerNow() }: Turn): Promise<void> {
    const own = this.#callers.get(caller) ?? [];
    if (!isStream && (own.length >= maxWaitingOfCaller || this.#waiting >= maxWaiting))
      return Promise.reject(tooManyScans());
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    own.push({ cost, signal, resolve, reject });
    this.#callers.set(caller, own);
    this.#waiting += 1;
    this.#schedule();
    return promise;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting === 0) return;
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
    for (const [caller, own] of this.#callers) {
      const [first] = own;
      const isWanted = first?.signal?.aborted !== true;
      if (first === undefined || (isWanted && cost > 0 && cost + first.cost > turnCost)) break;
      own.shift();
      this.#waiting -= 1;
      this.#callers.delete(caller);
      if (own.length > 0) this.#callers.set(caller, own); // behind the others, where this loop comes to it again
      if (isWanted) {
        cost += first.cost;
        first.resolve();
      } else first.reject(first.signal?.reason);
    }
    this.#schedule();
  }
}

function callerNow(): string {
  const { userId = '0', address = '' } = currentCaller() ?? {};
  return userId === '0' ? address : userId;
}

function tooManyScans(): RpcError {
  const message = 'Too many of your searches are under way. Wait for their answers, and try again.';
  return new RpcError(Status.RESOURCE_EXHAUSTED, 'RATE_LIMITED', message, { retryDelayMs: 1000 });
}
