import { addressKeys } from '@rollcall/access';
import { Logger } from '@nestjs/common';
import type { NewEntry, Origin } from './entry.ts';
import { maxOfMinute } from './denied-entries.ts';

/** A call that was denied. */
export interface Denial extends Readonly<Origin> {
  /** The status code of gRPC that it was answered with. */
  readonly code: number;
  /** Why, for administrators. */
  readonly reason: string;
}

/** An entry that still grows. */
type Waiting = Omit<NewEntry, 'count'> & { count: number };

/**
 * Writes entries in a transaction.
 *
 * @param isBounded whether their minutes must have room for them: other processes write as well
 * @returns those that there was no room for, if so
 */
export type Append = (entries: readonly NewEntry[], isBounded: boolean) => Promise<ReadonlySet<NewEntry>>;

/** For how long equal denials become one entry, in milliseconds. */
const mergedMs = 1000;

/** How many entries wait at the most: those of a second, and all that come while the database is away. */
const maxWaiting = 10_000;

const minuteMs = 60_000;

/** For how many reasons the denials beyond that are counted apart. */
const maxReasons = 20;

/** How many entries a transaction writes: others write in between. */
const maxWritten = 1000;

/** How much of a text is kept, in UTF-16 units. */
const maxText = 300;

const nobody: Origin = { callerId: '0', credential: '', method: '', address: '', requestId: '' };

const logger = new Logger('audit');

/**
 * Denied calls on their way into the audit log. Whoever denies a call does not wait for that, and however many there are,
 * they take bounded memory, and a bounded part of the log in a minute, also from several processes together. Those of the last second are lost when the process is killed. A write whose outcome is not
 * known is made again, so that it may be there twice.
 */
export class Denials {
  readonly #append: Append;
  readonly #now: () => number;
  /** Those of this second, by what makes them equal. */
  readonly #current = new Map<string, Waiting>();
  /** Those of the seconds before, in their order. */
  readonly #waiting: Waiting[] = [];
  /** What is too much for these two, by the reasons. */
  #beyond = new Map<string, Waiting>();
  /** When the minute began, and how many entries have come of it. */
  #minute = { since: -Infinity, ofNobody: 0, ofCallers: 0 };
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<boolean> | undefined;
  #failing = false;
  #closed = false;

  constructor(append: Append, now: () => number) {
    this.#append = append;
    this.#now = now;
  }

  add(denial: Denial): void {
    const { callerId, credential, method, code } = denial;
    const [address, reason] = [denial.address.slice(0, maxText), denial.reason.slice(0, maxText)];
    const key = `${callerId} ${credential} ${method} ${code} ${addressKeys(address).one} ${reason}`;
    const equal = this.#current.get(key);
    if (equal !== undefined) equal.count += 1;
    else if (this.#current.size + this.#waiting.length >= maxWaiting || !this.#takesOneMore(callerId))
      this.#addBeyond(code, reason);
    else this.#current.set(key, { ...denial, address, reason, timeMs: this.#nowMs(), count: 1 });
    this.#writeSoon();
  }

  #takesOneMore(callerId: string): boolean {
    if (this.#isMinuteOver()) this.#minute = { since: this.#now(), ofNobody: 0, ofCallers: 0 };
    const of = callerId === '0' ? 'ofNobody' : 'ofCallers';
    if (this.#minute[of] >= maxOfMinute) return false;
    this.#minute[of] += 1;
    return true;
  }

  #isMinuteOver(): boolean {
    const passed = this.#now() - this.#minute.since;
    return passed >= minuteMs || passed < 0; // a clock may be set back
  }

  /** Writes what has come so far. @returns whether all of it is written */
  flush(): Promise<boolean> {
    return this.#flush(true);
  }

  /** @param all also what is counted by its reason, whose minute goes on */
  #flush(all: boolean): Promise<boolean> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting.push(...this.#current.values());
    this.#current.clear();
    this.#writing ??= this.#writeAll(all).finally(() => {
      this.#writing = undefined;
      if (this.#waiting.length + this.#beyond.size > 0) this.#writeSoon();
    });
    return this.#writing;
  }

  /** Writes what has come so far, or says that it cannot. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing;
    if (await this.flush()) return;
    const count = [...this.#waiting, ...this.#beyond.values()].reduce((sum, entry) => sum + entry.count, 0);
    logger.error(`${count} denied calls are missing from the audit log: the database could not be written`);
  }

  #writeSoon(): void {
    if (!this.#closed) this.#timer ??= setTimeout(() => void this.#flush(this.#isMinuteOver()), mergedMs).unref();
  }

  #addBeyond(code: number, reason: string, count = 1): void {
    const ofReason = `${code} ${reason}`;
    const isApart = this.#beyond.has(ofReason) || this.#beyond.size < maxReasons;
    const same = this.#beyond.get(isApart ? ofReason : '');
    if (same !== undefined) same.count += count;
    else
      this.#beyond.set(isApart ? ofReason : '', {
        ...nobody,
        code,
        reason: isApart ? reason : '',
        timeMs: this.#nowMs(),
        count,
        note: `calls of several callers, addresses or methods: more different ones were denied within a minute than have entries of their own`,
      });
  }

  /** @returns whether nothing is left that was to be written */
  async #writeAll(all: boolean): Promise<boolean> {
    for (;;) {
      const some = this.#waiting.slice(0, maxWritten);
      if (some.length === 0 && !all) return true;
      const beyond = this.#beyond;
      if (some.length === 0) this.#beyond = new Map();
      const entries = some.length === 0 ? [...beyond.values()] : some;
      if (entries.length === 0) return true;
      let refused: ReadonlySet<NewEntry>;
      try {
        refused = await this.#append(entries, some.length > 0);
        this.#failing = false;
      } catch (error) {
        if (some.length === 0) this.#beyond = merged(beyond, this.#beyond);
        if (!this.#failing) logger.warn(`denied calls wait for their place in the audit log: ${String(error)}`);
        this.#failing = true;
        return false;
      }
      this.#waiting.splice(0, some.length);
      for (const entry of some)
        if (refused.has(entry)) this.#addBeyond(entry.code ?? 0, entry.reason ?? '', entry.count);
    }
  }

  #nowMs(): bigint {
    return BigInt(Math.floor(this.#now()));
  }
}

function merged(older: Map<string, Waiting>, newer: ReadonlyMap<string, Waiting>): Map<string, Waiting> {
  for (const [key, entry] of newer) {
    const same = older.get(key);
    if (same === undefined) older.set(key, entry);
    else same.count += entry.count;
  }
  return older;
}
