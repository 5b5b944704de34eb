import { AddressRate } from './address-rate.ts';
import type { KnownCaller } from '../callers/caller-cache.ts';
import { addressKeys } from '../addresses/address-keys.ts';
import { type Rate, RateLimit } from './rate-limit.ts';

/** What callers may take. */
export interface CallerLimits {
  /** The calls of one caller. */
  readonly callsPerCaller: Rate;
  /** Those of them that change something. */
  readonly writesPerCaller: Rate;
  /**
   * The calls of one address that nobody is signed in for, and as many for each method that is open to everybody. Beyond
   * as many credentials that are not valid, the address is told to wait.
   */
  readonly callsPerAddress: Rate;
  /** The streams that one caller has open at a time. */
  readonly streamsPerCaller: number;
}

/** Whether a call takes from a rate, or only looks whether it could. */
export type Taking = 'take' | 'wait';

/** The rates of callers. Each method tells how long to wait, in milliseconds; 0 when the call may go on. */
export class CallerRates {
  readonly #calls: RateLimit;
  readonly #writes: RateLimit;
  readonly #addresses: AddressRate;

  constructor({ callsPerCaller, writesPerCaller, callsPerAddress }: CallerLimits) {
    this.#calls = new RateLimit(callsPerCaller);
    this.#writes = new RateLimit(writesPerCaller);
    this.#addresses = new AddressRate(callsPerAddress);
  }

  /**
   * Of a caller whose credential is valid. The services of the system have no rate; whom the directory does not know
   * counts by address.
   */
  ofKnown(known: KnownCaller, address: string, isWrite: boolean, taking: Taking): number {
    if (known.credential === 'service') return 0;
    if (known.userId === '0') return this.#addresses[taking]('stranger', address);
    const key = keyOf(known, address);
    const waitMs = isWrite && known.credential !== 'tutorial' ? this.#writes[taking](key) : 0;
    return waitMs > 0 ? waitMs : this.#calls[taking](key);
  }

  /**
   * Of a caller that nobody is signed in for.
   *
   * @param open the path of the method, when it is open to everybody: a flood of one leaves the address the others, such as signing in
   */
  ofNobody(address: string, open: string | undefined, taking: Taking): number {
    return this.#addresses[taking](open ?? 'anonymous', address);
  }

  /** Of an address that has sent a credential that is not valid. */
  ofFailure(address: string): number {
    return this.#addresses.take('failure', address);
  }
}

/** Everybody acts as the user of the tutorials who sends no credential, so that they are told apart by their addresses. */
function keyOf({ credential, userId }: KnownCaller, address: string): string {
  return credential === 'tutorial' ? `tutorial ${addressKeys(address).one}` : `${credential} ${userId}`;
}
