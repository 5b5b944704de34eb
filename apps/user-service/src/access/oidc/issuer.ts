import { Logger } from '@nestjs/common';
import { keysUnavailable } from './credential-errors.ts';
import { discoverKeys } from './discovery.ts';
import type { SigningKeys } from './signing-keys.ts';

/** When the issuer is asked, in milliseconds. */
export interface IssuerTimes {
  /** After which time its keys are fetched again. */
  readonly refreshMs: number;
  /** After which time a fetch that failed is tried again; it doubles with each failure. */
  readonly retryMs: number;
  /** What it doubles up to. */
  readonly maxRetryMs: number;
  /** For how long no other token with an unknown key id makes it fetch. */
  readonly cooldownMs: number;
  /** How long a fetch may take. */
  readonly timeoutMs: number;
}

const usualTimes: IssuerTimes = {
  refreshMs: 600_000,
  retryMs: 1000,
  maxRetryMs: 10_000,
  cooldownMs: 10_000,
  timeoutMs: 5000,
};

const logger = new Logger('oidc');

/**
 * The issuer of tokens, as far as it is needed: its keys. They are fetched at the start, in the background from then on,
 * and when a token names a key that is not known. While the issuer is away, the keys that are known go on being used.
 */
export class OidcIssuer {
  readonly #issuer: string;
  readonly #times: IssuerTimes;
  readonly #clock: () => number;
  readonly #closing = new AbortController();
  #keys: SigningKeys | undefined;
  #fetching: Promise<void> | undefined;
  #failures = 0;
  /** When a token has last made it fetch. */
  #askedMs = -Infinity;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param issuer its URL, as in `OidcConfig`
   * @param clock milliseconds from any start, which never go back
   */
  constructor(issuer: string, times: Partial<IssuerTimes> = {}, clock: () => number = () => performance.now()) {
    this.#issuer = issuer;
    this.#times = { ...usualTimes, ...times };
    this.#clock = clock;
  }

  /** The keys that were fetched last: the same object as long as nothing has changed. */
  get keys(): SigningKeys | undefined {
    return this.#keys;
  }

  /** Begins to fetch, and does not wait for it. */
  start(): void {
    void this.#fetch();
  }

  close(): void {
    this.#closing.abort();
    clearTimeout(this.#timer);
  }

  /**
   * The keys to verify a token with: fresh ones when its key is not known, and nobody has asked for that just now.
   *
   * @throws RpcError UPSTREAM_UNAVAILABLE when none have ever been fetched
   */
  async keysFor(kid: string | undefined): Promise<SigningKeys> {
    // The first fetch is worth waiting for. Of those that follow on a failure nobody knows how many there will be.
    if (this.#keys === undefined && this.#failures === 0) await this.#fetch();
    if (this.#keys === undefined) throw keysUnavailable(this.#times.retryMs);
    if (kid !== undefined && !this.#keys.has(kid)) await this.#fetchUnknown();
    return this.#keys;
  }

  /** Tokens that name unknown keys cost nothing to make up: they share a fetch, and then have none for a while. */
  async #fetchUnknown(): Promise<void> {
    if (this.#fetching === undefined) {
      if (this.#clock() < this.#askedMs + this.#times.cooldownMs) return;
      this.#askedMs = this.#clock();
    } else if (this.#failures > 0) return; // it is away, and may take the whole timeout to say so again
    await this.#fetch();
  }

  /** Fetches the keys, or waits for the fetch that is under way. It does not throw. */
  #fetch(): Promise<void> {
    this.#fetching ??= this.#load().finally(() => {
      this.#fetching = undefined;
      this.#schedule();
    });
    return this.#fetching;
  }

  async #load(): Promise<void> {
    try {
      const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(this.#times.timeoutMs)]);
      const keys = await discoverKeys(this.#issuer, signal);
      if (this.#failures > 0) logger.log(`${this.#issuer} gives its keys again`);
      this.#failures = 0;
      if (!keys.equals(this.#keys)) this.#keys = keys;
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      this.#failures += 1;
      const rest = this.#keys === undefined ? 'no token can be checked' : 'the keys that are known go on being used';
      if (this.#failures === 1) logger.warn(`${this.#issuer} does not give its keys, ${rest}: ${sentence(error)}`);
    }
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#closing.signal.aborted) return;
    const delayMs = this.#failures === 0 ? this.#times.refreshMs : retryDelayMs(this.#failures, this.#times);
    // Replicas that were started together do not ask together.
    this.#timer = setTimeout(() => void this.#fetch(), delayMs * (0.8 + 0.2 * Math.random())).unref();
  }
}

/** After which time a fetch is tried again that has failed so many times in a row, in milliseconds. */
export function retryDelayMs(failures: number, times: Pick<IssuerTimes, 'retryMs' | 'maxRetryMs'>): number {
  return Math.min(times.retryMs * 2 ** (failures - 1), times.maxRetryMs);
}

/** What went wrong; fetch itself says only that it failed, and why in its cause. */
function sentence(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause, message } = error;
  return cause instanceof Error && 'code' in cause ? `${message} (${String(cause.code)})` : message;
}
