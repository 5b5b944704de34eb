import { changesBehind, lastChange, type LoggedChange } from './log.ts';
import type { Engine } from '../engine/engine.ts';

/** How long after a change that nobody announced it is noticed at the latest, in milliseconds. */
const lookMs = 1000;

/** For how long nothing new is taken to be known, in milliseconds. Who asks later asks the database itself. */
const freshMs = 3 * lookMs;

/** How many changes are read at a time. */
const maxRead = 500;

/** How many of the last changes are kept in memory, for all who watch. */
const maxKept = 2000;

/**
 * The changes of the directory for those who watch it. One reader looks for new ones, whoever made them, and keeps the
 * last; who is further behind reads the log. Announcements make it look at once, and it looks without them too.
 */
export class ChangeFeed {
  readonly #engine: Engine;
  /** The last changes, in their order, without holes. */
  #kept: LoggedChange[] = [];
  /** The last change that is known, once somebody watches. */
  #last: bigint | undefined;
  /** When it has last looked, and had an answer. */
  #lookedAt = -Infinity;
  #watchers = 0;
  /** Those who wait for changes. */
  readonly #waiting = new Set<() => void>();
  #awake = Promise.withResolvers<void>();
  #looking = false;
  #closed = false;

  constructor(engine: Engine) {
    this.#engine = engine;
    engine.onAnnounced(() => this.wake());
  }

  /** There may be changes. */
  wake(): void {
    this.#awake.resolve();
  }

  close(): void {
    this.#closed = true;
    this.wake();
    this.#tell();
  }

  /** The number of the last committed change. */
  last(): Promise<bigint> {
    return lastChange(this.#engine.db);
  }

  /** Changes behind one: some, none when there are none yet, `gone` when they are not kept any more. */
  async read(seq: bigint): Promise<LoggedChange[] | 'gone'> {
    const first = this.#kept[0]?.seq;
    if (this.#last === seq && performance.now() - this.#lookedAt < freshMs) return [];
    if (first !== undefined && first <= seq + 1n && seq < (this.#last ?? 0n)) {
      const from = Number(seq + 1n - first);
      return this.#kept.slice(from, from + maxRead);
    }
    return this.readLog(seq);
  }

  /** As `read`, from the log itself: it has what was committed before this was called. */
  readLog(seq: bigint): Promise<LoggedChange[] | 'gone'> {
    return changesBehind(this.#engine.db, seq, maxRead);
  }

  /** Keeps the feed looking as long as somebody watches. @returns what ends that */
  watch(): () => void {
    this.#watchers += 1;
    if (!this.#looking) void this.#look();
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.#watchers -= 1;
      this.wake(); // so that it ends when nobody is left
    };
  }

  /** Settles when there are changes behind one, or may be; when the signal fires; or after a time, in milliseconds. */
  behind(seq: bigint, signal: AbortSignal, limitMs: number): Promise<void> {
    if ((this.#last !== undefined && this.#last > seq) || signal.aborted || this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, limitMs);
      signal.addEventListener('abort', done);
      this.#waiting.add(done);
    });
  }

  async #look(): Promise<void> {
    this.#looking = true;
    while (this.#watchers > 0 && !this.#closed) {
      this.#awake = Promise.withResolvers();
      try {
        while (await this.#readNew()) continue;
      } catch {
        // The database is away. Those who watch hear it from the database itself; this goes on until it is back.
        this.#lookedAt = -Infinity;
        this.#tell();
      }
      const timer = setTimeout(() => this.wake(), lookMs);
      await this.#awake.promise;
      clearTimeout(timer);
    }
    this.#looking = false;
    this.#last = undefined;
    this.#kept = [];
  }

  /** @returns whether there may be more */
  async #readNew(): Promise<boolean> {
    const last = this.#last ?? (await this.last());
    const changes = this.#last === undefined ? [] : await changesBehind(this.#engine.db, last, maxRead);
    if (changes === 'gone') {
      // Somebody has put another database in place, or it stood still for the whole time that changes are kept.
      this.#kept = [];
      this.#last = await this.last();
    } else {
      this.#kept.push(...changes);
      this.#kept.splice(0, this.#kept.length - maxKept);
      this.#last = changes.at(-1)?.seq ?? last;
    }
    this.#lookedAt = performance.now();
    if (changes.length > 0) this.#tell();
    return changes.length === maxRead;
  }

  #tell(): void {
    for (const done of this.#waiting) done();
  }
}
