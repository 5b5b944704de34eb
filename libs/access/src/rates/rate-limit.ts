/** How many calls are let through: so many at once, and then so many a second. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/** How many buckets are kept. The one that was used longest ago goes first: it is most likely full again. */
const maxBuckets = 100_000;

/** Token buckets by a key, such as a caller or an address. */
export class RateLimit {
  readonly #rate: Rate;
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();

  /** @param now a time in milliseconds that never goes back */
  constructor(rate: Rate, now: () => number = () => performance.now()) {
    this.#rate = rate;
    this.#now = now;
  }

  /** Takes one. @returns 0 when it was there, else how long to wait for it, in milliseconds */
  take(key: string): number {
    const bucket = this.#filled(key);
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      return 0;
    }
    return Math.ceil(((1 - bucket.tokens) * 1000) / this.#rate.perSecond);
  }

  /** As `take`, but takes nothing. */
  wait(key: string): number {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined || bucket.tokens >= 1) return 0;
    const { tokens } = this.#filled(key);
    return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) * 1000) / this.#rate.perSecond);
  }

  #filled(key: string): Bucket {
    const now = this.#now();
    const { burst, perSecond } = this.#rate;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      if (this.#buckets.size >= maxBuckets)
        for (const [oldest] of this.#buckets) {
          this.#buckets.delete(oldest);
          break;
        }
      bucket = { tokens: burst, atMs: now };
    } else {
      this.#buckets.delete(key);
      bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.atMs) * perSecond) / 1000);
      bucket.atMs = now;
    }
    this.#buckets.set(key, bucket);
    return bucket;
  }
}
