import { addressKeys } from '../addresses/address-keys.ts';
import { rateLimited } from '../errors/access-errors.ts';

/** How many may be under way and how many may wait. */
export interface TurnLimits {
  readonly running: number;
  readonly runningOfAddress: number;
  readonly waiting: number;
  readonly waitingOfAddress: number;
}

const usualLimits: TurnLimits = { running: 256, runningOfAddress: 32, waiting: 4096, waitingOfAddress: 512 };

/** After which time it is worthwhile to try again, in milliseconds. */
const retryMs = 1000;

interface Address {
  running: number;
  /** The latest last. */
  readonly waiting: { readonly run: () => void; readonly refuse: () => void }[];
}

/**
 * Turns for work whose worth shows only when it is done, such as looking up a credential that may be made up. Addresses
 * take turns with each other, so that none keeps others waiting. Of one address the latest comes first, and the oldest is
 * refused when too many wait: behind a flood of rubbish nobody is served in time, in front of it whoever comes is.
 */
export class FairTurns {
  readonly #limits: TurnLimits;
  /** Those with something to do. Whoever had a turn goes to the end. */
  readonly #addresses = new Map<string, Address>();
  #running = 0;
  #waiting = 0;

  constructor(limits: Partial<TurnLimits> = {}) {
    this.#limits = { ...usualLimits, ...limits };
  }

  /** Does it when its turn has come. @throws RpcError RATE_LIMITED when it does not come in time */
  run<T>(address: string, work: () => Promise<T>): Promise<T> {
    const key = addressKeys(address).one;
    const { running, runningOfAddress } = this.#limits;
    let of = this.#addresses.get(key);
    if (of === undefined) this.#addresses.set(key, (of = { running: 0, waiting: [] }));
    if (this.#running < running && of.running < runningOfAddress) return this.#do(key, of, work);
    return this.#wait(key, of, work);
  }

  async #do<T>(key: string, of: Address, work: () => Promise<T>): Promise<T> {
    of.running += 1;
    this.#running += 1;
    try {
      return await work();
    } finally {
      of.running -= 1;
      this.#running -= 1;
      if (of.running === 0 && of.waiting.length === 0) this.#addresses.delete(key);
      this.#next();
    }
  }

  #wait<T>(key: string, of: Address, work: () => Promise<T>): Promise<T> {
    const { waiting, waitingOfAddress } = this.#limits;
    if (of.waiting.length >= waitingOfAddress) this.#refuseOldest(of);
    else if (this.#waiting >= waiting) this.#refuseOldest(this.#longest());
    return new Promise<T>((resolve, reject) => {
      this.#waiting += 1;
      of.waiting.push({
        run: () => void this.#do(key, of, work).then(resolve, reject),
        refuse: () => reject(rateLimited(retryMs)),
      });
    });
  }

  #next(): void {
    if (this.#waiting === 0 || this.#running >= this.#limits.running) return;
    for (const [key, of] of this.#addresses) {
      if (of.running >= this.#limits.runningOfAddress) continue;
      const next = of.waiting.pop();
      if (next === undefined) continue;
      this.#addresses.delete(key);
      this.#addresses.set(key, of);
      this.#waiting -= 1;
      next.run();
      return;
    }
  }

  #longest(): Address | undefined {
    let longest: Address | undefined;
    for (const of of this.#addresses.values()) if (of.waiting.length > (longest?.waiting.length ?? 0)) longest = of;
    return longest;
  }

  #refuseOldest(of: Address | undefined): void {
    const oldest = of?.waiting.shift();
    if (oldest === undefined) return;
    this.#waiting -= 1;
    oldest.refuse();
  }
}
