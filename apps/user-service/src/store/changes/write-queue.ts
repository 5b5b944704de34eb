import { AsyncLocalStorage } from 'node:async_hooks';
import { RpcError } from '@rollcall/grpc';
import { userService } from '@rollcall/proto';
import type { Transaction } from 'kysely';
import { appendAudit } from '../audit/chain.ts';
import { currentOrigin, type Origin } from '../audit/entry.ts';
import { logChanges } from './log.ts';
import type { BulkStatement, Engine } from '../engine/engine.ts';
import { freeIds, setNextId } from '../users/free-ids.ts';
import { loadTouched } from '../users/load-touched.ts';
import { revokeAll } from '../credentials/revocations.ts';
import type { UsersDatabase } from '../engine/tables.ts';
import { type Touched, UsersView } from '../users/view.ts';

/** How many users a transaction touches, more or less. It bounds how long one turn of the event loop takes. @see docs/decisions/0010 */
const maxTouched = 500;

/** A write to the directory. */
export interface Write<T> {
  readonly touched: Touched;
  /** How much of a transaction it takes: the number of users that it changes. */
  readonly size?: number;
  /** When it fires before the write has begun, the write is left out. */
  readonly signal?: AbortSignal | undefined;
  /** Decides and changes, at once. What it throws is thrown at the caller, and then it must not have changed anything. */
  readonly apply: (view: UsersView) => T;
}

interface Waiting {
  readonly write: Write<unknown>;
  /** Who asked for it: the transaction itself runs outside of calls. */
  readonly origin: Origin;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Which of a transaction's changes a write has made. */
interface Made {
  readonly origin: Origin;
  readonly from: number;
  readonly to: number;
}

const { KIND_UNDELETED } = userService.WatchEvent_Kind;

const userColumns = [
  ['id', 'integer'],
  ['name', 'text'],
  ['name_key', 'text'],
  ['email', 'text'],
  ['email_key', 'text'],
  ['age', 'integer'],
  ['type', 'integer'],
  ['create_time_ms', 'integer'],
  ['update_time_ms', 'integer'],
  ['delete_time_ms', 'integer'],
  ['purge_time_ms', 'integer'],
] as const;

const insertUsers: BulkStatement = { verb: 'insert', table: 'users', columns: userColumns };
const updateUsers: BulkStatement = { verb: 'update', table: 'users', columns: userColumns };
const freeAddresses: BulkStatement = {
  verb: 'update',
  table: 'users',
  columns: [
    ['id', 'integer'],
    ['email_key', 'text'],
  ],
};
const keepAnswers: BulkStatement = {
  verb: 'upsert',
  table: 'request_ids',
  columns: [
    ['id', 'text'],
    ['request_hash', 'bytes'],
    ['answer', 'bytes'],
    ['create_time_ms', 'integer'],
  ],
};

/**
 * Runs the writes that are asked for in one turn of the event loop in one transaction, because it is the commit that
 * takes time: it waits for the disk. None is acknowledged before the commit, and each changes what it changes together
 * with the log of changes and the audit log. One transaction writes at a time, among all processes, so that what a write has seen stays true.
 */
export class WriteQueue {
  readonly #engine: Engine;
  readonly #now: () => number;
  readonly #onCommitted: () => void;
  /** A transaction is made for many calls, and must not end with the deadline of one. */
  readonly #outsideOfCalls = AsyncLocalStorage.snapshot();
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

  /** @param onCommitted called after each commit that has changed something */
  constructor(engine: Engine, now: () => number, onCommitted: () => void) {
    this.#engine = engine;
    this.#now = now;
    this.#onCommitted = onCommitted;
  }

  /** Runs a write. It settles when what was written is on the disk, or when the write or the commit fails. */
  run<T>(write: Write<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#waiting.push({ write, origin: currentOrigin(), resolve: resolve as (result: unknown) => void, reject });
    this.#running ??= this.#outsideOfCalls(() => this.#runAll());
    return promise;
  }

  /** Runs a transaction of its own, as the only one that writes. */
  exclusively<T>(run: (db: Transaction<UsersDatabase>) => Promise<T>): Promise<T> {
    return this.#outsideOfCalls(() =>
      this.#engine.writer.transaction().execute(async (db) => {
        await this.#engine.lockWriters(db);
        return run(db);
      }),
    );
  }

  /** Waits for the writes that were asked for. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #runAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      await new Promise<void>((resolve) => setImmediate(resolve)); // what comes in the same turn
      const group = this.#nextGroup();
      if (group.length > 0) await this.#commit(group);
    }
    this.#running = undefined;
  }

  #nextGroup(): Waiting[] {
    let size = 0;
    let count = 0;
    for (; count < this.#waiting.length && size < maxTouched; count++) size += this.#waiting[count]?.write.size ?? 1;
    return this.#waiting.splice(0, count).filter(isWanted);
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    let settle: (() => void)[];
    try {
      settle = await this.exclusively((db) => this.#applyAll(db, group));
    } catch (error) {
      // The database is known by these errors. Any other has to do with one of the writes: each is tried alone.
      if (error instanceof RpcError || group.length === 1) for (const { reject } of group) reject(error);
      else for (const waiting of group) if (isWanted(waiting)) await this.#commit([waiting]);
      return;
    }
    this.#onCommitted();
    for (const tell of settle) tell();
  }

  /** @returns what tells each caller, once it is committed */
  async #applyAll(db: Transaction<UsersDatabase>, group: readonly Waiting[]): Promise<(() => void)[]> {
    const touched = group.map(({ write }) => write.touched);
    const newIds = touched.reduce((sum, each) => sum + (each.newIds ?? 0), 0);
    const view = new UsersView({
      ...(await loadTouched(this.#engine, db, touched)),
      nowMs: BigInt(Math.floor(this.#now())),
      freeIds: newIds === 0 ? [] : await freeIds(db, newIds),
    });
    const made: Made[] = [];
    const settle = group.filter(isWanted).map(({ write, origin, resolve, reject }) => {
      const from = view.changes.length;
      try {
        const result = write.apply(view);
        return () => resolve(result);
      } catch (error) {
        return () => reject(error);
      } finally {
        if (view.changes.length > from) made.push({ origin, from, to: view.changes.length });
      }
    });
    await this.#store(db, view, made);
    return settle;
  }

  async #store(db: Transaction<UsersDatabase>, view: UsersView, made: readonly Made[]): Promise<void> {
    const { inserted, updated, nextId } = view.outcome();
    // An address goes from one user to another in one transaction: nobody has it in between.
    if (view.movesAddresses())
      await this.#engine.bulk(
        db,
        freeAddresses,
        updated.map(({ id }) => ({ id, email_key: '' })),
      );
    await this.#engine.bulk(db, updateUsers, updated);
    await this.#engine.bulk(db, insertUsers, inserted);
    if (nextId !== undefined) await setNextId(db, nextId);
    // Whoever brings a user back does not bring back what others may have kept of theirs.
    const broughtBack = view.changes.filter(({ kind }) => kind === KIND_UNDELETED).map(({ after }) => after.id);
    await revokeAll(this.#engine, db, broughtBack, view.nowMs);
    await this.#engine.bulk(db, keepAnswers, view.newAnswers);
    const logged = await logChanges(this.#engine, db, view.changes, view.nowMs);
    const entries = made.map(({ origin, from, to }) => ({ ...origin, changes: logged.slice(from, to) }));
    await appendAudit(this.#engine, db, view.nowMs, entries);
    if (view.changes.length > 0) await this.#engine.announceChanges(db);
  }
}

/** Whether a write is still to be made; if not, its caller is told. */
function isWanted({ write: { signal }, reject }: Waiting): boolean {
  if (signal?.aborted !== true) return true;
  reject(signal.reason);
  return false;
}
