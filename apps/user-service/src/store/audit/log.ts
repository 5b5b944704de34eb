import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';
import { appendAudit, auditHead, type Head } from './chain.ts';
import { type AuditPage, type AuditQuery, entriesBefore } from './pages.ts';
import { currentOrigin, type Origin, type StoredEntry } from './entry.ts';
import { type Denial, Denials } from './denials.ts';
import { appendDenied } from './denied-entries.ts';
import type { Engine } from '../engine/engine.ts';
import type { WriteQueue } from '../changes/write-queue.ts';

/** What was done and what was denied. Writes leave their entries by themselves, in their transactions: see write-queue.ts. */
export class AuditLog {
  readonly #engine: Engine;
  readonly #writes: WriteQueue;
  readonly #now: () => number;
  readonly #denials: Denials;

  constructor(engine: Engine, writes: WriteQueue, now: () => number) {
    this.#engine = engine;
    this.#writes = writes;
    this.#now = now;
    this.#denials = new Denials(
      (entries, isBounded) =>
        writes.exclusively(async (db) => {
          const nowMs = BigInt(Math.floor(now()));
          if (isBounded) return appendDenied(engine, db, nowMs, entries);
          await appendAudit(engine, db, nowMs, entries);
          return new Set();
        }),
      now,
    );
  }

  /** Notes what another service is about to do, and waits until that is kept. */
  async written(origin: Origin, note: string): Promise<void> {
    await this.#writes.exclusively((db) =>
      appendAudit(this.#engine, db, BigInt(Math.floor(this.#now())), [{ ...origin, note }]),
    );
  }

  /** Notes a call that was denied. It stands in the log within a second or two. */
  denied(denial: Denial): void {
    this.#denials.add(denial);
  }

  /** Does what may be denied, and notes when it is. */
  async noting<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (
        error instanceof RpcError &&
        (error.code === Status.PERMISSION_DENIED || error.code === Status.UNAUTHENTICATED)
      ) {
        const why = typeof error.cause === 'string' ? `: ${error.cause}` : '';
        this.denied({ ...currentOrigin(), code: error.code, reason: `${error.reason}${why}` });
      }
      throw error;
    }
  }

  /** Writes the denied calls that were noted so far. @returns whether that succeeded */
  flush(): Promise<boolean> {
    return this.#denials.flush();
  }

  /** Writes them for the last time. */
  close(): Promise<void> {
    return this.#denials.close();
  }

  /** The last entry. */
  head(): Promise<Head> {
    return auditHead(this.#engine.db);
  }

  /** Entries before one, the latest first; the page ends early when they are large. */
  page(query: AuditQuery, before: bigint | undefined, size: number): Promise<AuditPage<StoredEntry & { seq: bigint }>> {
    return entriesBefore(this.#engine, query, before, size);
  }
}
