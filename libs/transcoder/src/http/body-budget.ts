import type { IncomingMessage } from 'node:http';
import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';

/** What bodies may take in memory while they are read and until they are answered, in bytes. */
export interface BodyBudgetLimits {
  /** All of them. */
  readonly maxBodiesBytes: number;
  /** Those of one caller. */
  readonly maxCallerBodiesBytes: number;
}

/** On whose account a body is kept. */
export interface BodyOwner {
  readonly key: string;
  /** Whether it is known who it is. All others together have a quarter, and each of them a quarter of what a caller has. */
  readonly known: boolean;
  /** How large a body of theirs may be at the most, in bytes, where that is less than the limit for all. */
  readonly maxBytes?: number;
}

/** After which time it is worthwhile to try again, in milliseconds. */
const retryDelayMs = 1000;

/** What a request has of the budget. */
export interface BodyShare {
  /** When its headers had come, by `performance.now()`. */
  readonly since: number;
  /** How large the body may be at the most, in bytes. */
  readonly maxBytes: number;
  /** @throws RpcError when there is no room for so many bytes more */
  take(bytes: number): void;
  /** So many of them are of no more use. */
  give(bytes: number): void;
}

const shares = new WeakMap<IncomingMessage, BodyShare>();

/** What a request has of the budget; undefined when it was not entered. */
export function bodyShareOf(request: IncomingMessage): BodyShare | undefined {
  return shares.get(request);
}

/** The bytes of bodies that are kept in memory, each within its own limit, have a bound in sum. */
export class BodyBudget {
  readonly #limits: BodyBudgetLimits;
  readonly #byOwner = new Map<string, number>();
  #bytes = 0;
  #unknownBytes = 0;

  constructor(limits: BodyBudgetLimits) {
    this.#limits = limits;
  }

  /**
   * A request's body counts from now on.
   *
   * @param since when its headers had come, by `performance.now()`
   * @returns gives all of it back
   */
  enter(request: IncomingMessage, owner: BodyOwner, since: number): () => void {
    let held = 0;
    const change = (bytes: number): void => {
      held += bytes;
      this.#change(owner, bytes);
    };
    shares.set(request, {
      since,
      maxBytes: owner.maxBytes ?? Infinity,
      take: (bytes) => {
        this.#requireRoom(owner, bytes);
        change(bytes);
      },
      give: (bytes) => change(-Math.min(bytes, held)),
    });
    return () => {
      shares.delete(request);
      if (held > 0) change(-held);
    };
  }

  #requireRoom({ key, known }: BodyOwner, bytes: number): void {
    const { maxBodiesBytes, maxCallerBodiesBytes } = this.#limits;
    const part = known ? 1 : 0.25;
    if ((this.#byOwner.get(key) ?? 0) + bytes > maxCallerBodiesBytes * part) throw tooMuchOfCaller();
    if (this.#bytes + bytes > maxBodiesBytes) throw tooMuchInSum();
    if (!known && this.#unknownBytes + bytes > maxBodiesBytes * part) throw tooMuchInSum();
  }

  #change({ key, known }: BodyOwner, bytes: number): void {
    const left = (this.#byOwner.get(key) ?? 0) + bytes;
    if (left > 0) this.#byOwner.set(key, left);
    else this.#byOwner.delete(key);
    this.#bytes += bytes;
    if (!known) this.#unknownBytes += bytes;
  }
}

function tooMuchOfCaller(): RpcError {
  const message = 'Your requests under way have too large bodies together. Wait until some are answered.';
  return new RpcError(Status.RESOURCE_EXHAUSTED, 'TOO_MANY_CALLS', message, { retryDelayMs });
}

function tooMuchInSum(): RpcError {
  const message = 'The requests under way have too large bodies together. Try again soon.';
  return new RpcError(Status.UNAVAILABLE, 'TOO_MANY_CALLS', message, { retryDelayMs });
}
