import { Logger } from '@nestjs/common';
import type { Denial } from './authorization.ts';

/** How often what was denied is reported, in milliseconds. */
const reportMs = 1000;

/** How many denials wait at the most; of those beyond it is known how many there were. */
const maxWaiting = 10_000;

/** How many are reported at a time. */
const maxReported = 1000;

const logger = new Logger('audit');

/** Denied calls on their way to the service that keeps the audit log. Whoever denies a call does not wait for that. */
export class DenialReports {
  readonly #report: (denials: readonly Denial[]) => Promise<void>;
  #waiting: Denial[] = [];
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;
  #reporting: Promise<void> = Promise.resolve();

  /** @param report takes some of them over */
  constructor(report: (denials: readonly Denial[]) => Promise<void>) {
    this.#report = report;
  }

  add(denial: Denial): void {
    if (this.#waiting.length >= maxWaiting) this.#dropped += 1;
    else this.#waiting.push(denial);
    this.#timer ??= setTimeout(() => void this.flush(), reportMs).unref();
  }

  /** Reports what waits; what cannot be reported now goes on waiting. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#reporting = this.#reporting.then(() => this.#reportAll());
    return this.#reporting;
  }

  /** Reports what waits for the last time. */
  async close(): Promise<void> {
    await this.flush();
    clearTimeout(this.#timer);
    const missing = this.#waiting.length + this.#dropped;
    if (missing > 0) logger.error(`${missing} denied calls are missing from the audit log: it could not be reached`);
  }

  async #reportAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const some = this.#waiting.slice(0, maxReported);
      try {
        await this.#report(some);
      } catch (error) {
        logger.warn(`denied calls wait for their place in the audit log: ${String(error)}`);
        this.#timer ??= setTimeout(() => void this.flush(), reportMs).unref();
        return;
      }
      this.#waiting.splice(0, some.length);
    }
    if (this.#dropped > 0)
      logger.error(`${this.#dropped} denied calls are missing from the audit log: too many waited`);
    this.#dropped = 0;
  }
}
