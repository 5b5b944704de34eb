import { currentCaller } from '@rollcall/access';
import { RpcError } from '@rollcall/grpc';
import { status as Status } from '@grpc/grpc-js';

/** How many searches of one caller, and of all, may wait for their turn. */
const maxWaitingOfCaller = 100;
const maxWaiting = 2000;

/** Whose search it is: that of the user who calls, or of an address where that is nobody. */
export function callerNow(): string {
  const { userId = '0', address = '' } = currentCaller() ?? {};
  return userId === '0' ? address : userId;
}

/** Searches that wait. The callers have their turns one after the other, however many searches each of them has. */
export class CallerQueue<T> {
  /** The first caller is the next. */
  readonly #callers = new Map<string, T[]>();
  #waiting = 0;

  get isEmpty(): boolean {
    return this.#waiting === 0;
  }

  /** @param isBounded whether its number has a bound already. @throws RpcError RATE_LIMITED when too many wait */
  push(caller: string, search: T, isBounded = false): void {
    const own = this.#callers.get(caller) ?? [];
    if (!isBounded && (own.length >= maxWaitingOfCaller || this.#waiting >= maxWaiting)) throw tooManySearches();
    own.push(search);
    this.#callers.set(caller, own);
    this.#waiting += 1;
  }

  /** The one whose turn it is. */
  first(): T | undefined {
    const [own] = this.#callers.values();
    return own?.[0];
  }

  /** Takes out the one whose turn it is. */
  shift(): T | undefined {
    const [next] = this.#callers;
    if (next === undefined) return undefined;
    const [caller, own] = next;
    this.#callers.delete(caller);
    if (own.length > 1) this.#callers.set(caller, own); // behind the others
    this.#waiting -= 1;
    return own.shift();
  }
}

function tooManySearches(): RpcError {
  const message = 'Too many of your searches are under way. Wait for their answers, and try again.';
  return new RpcError(Status.RESOURCE_EXHAUSTED, 'RATE_LIMITED', message, { retryDelayMs: 1000 });
}
