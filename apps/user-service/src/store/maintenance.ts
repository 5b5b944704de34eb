import { Logger } from '@nestjs/common';
import { RpcError } from '@rollcall/grpc';
import type { Transaction } from 'kysely';
import { appendAudit } from './audit/chain.ts';
import { type NewEntry, systemOrigin } from './audit/entry.ts';
import { type AuditRetention, shortenAudit } from './audit/retention.ts';
import { forgetChanges } from './changes/log.ts';
import type { Engine } from './engine/engine.ts';
import { literalZero } from './engine/literals.ts';
import { encodeUser } from './users/logged-user.ts';
import type { Row } from './users/rows.ts';
import type { UsersDatabase } from './engine/tables.ts';
import type { WriteQueue } from './changes/write-queue.ts';

const intervalMs = 60_000;

/** How many rows a transaction removes: others write in between. */
const maxRemoved = 500;

/** How long a request may be sent again and still have its first answer, in milliseconds. */
export const keepAnswersMs = 24 * 60 * 60 * 1000;

const logger = new Logger('maintenance');

/**
 * Removes what has had its time: users whose purge time has come, changes, answers and entries of the audit log that are old. Every replica may
 * run it, also at once, for a transaction that writes is the only one.
 */
export class Maintenance {
  readonly #engine: Engine;
  readonly #writes: WriteQueue;
  readonly #now: () => number;
  readonly #keepChangesMs: number;
  readonly #keepAudit: AuditRetention;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(engine: Engine, writes: WriteQueue, now: () => number, keepChangesMs: number, keepAudit: AuditRetention) {
    this.#engine = engine;
    this.#writes = writes;
    this.#now = now;
    this.#keepChangesMs = keepChangesMs;
    this.#keepAudit = keepAudit;
  }

  /** Runs now, and once a minute from here on. */
  start(): void {
    const run = (): void => {
      this.#running = this.run().catch((error: unknown) => {
        // It is done the next time. What is wrong with the database, the calls say.
        if (!(error instanceof RpcError)) logger.error(error);
      });
    };
    run();
    this.#timer = setInterval(run, intervalMs).unref();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  /** Removes all that there is to remove now. */
  async run(): Promise<void> {
    const nowMs = BigInt(Math.floor(this.#now()));
    await this.#repeat((db) => purgeUsers(this.#engine, db, nowMs));
    await this.#repeat((db) => forgetChanges(db, nowMs - BigInt(this.#keepChangesMs), maxRemoved));
    await this.#repeat((db) => forgetAnswers(db, nowMs - BigInt(keepAnswersMs)));
    await this.#repeat((db) => forgetCredentials(db, nowMs));
    await this.#repeat((db) => shortenAudit(this.#engine, db, nowMs, this.#keepAudit));
  }

  async #repeat(remove: (db: Transaction<UsersDatabase>) => Promise<boolean>): Promise<void> {
    while (!this.#stopped && (await this.#writes.exclusively(remove)))
      await new Promise<void>((resolve) => setImmediate(resolve)); // others have their turn
  }
}

// What is to go is a stretch of an index, and the time at the end of the stretch is looked up first: for a list of keys
// PostgreSQL would read the whole table. Those that share that time go together.

async function purgeUsers(engine: Engine, db: Transaction<UsersDatabase>, nowMs: bigint): Promise<boolean> {
  const due = await db
    .selectFrom('users')
    .select('purge_time_ms as ms')
    .where('delete_time_ms', '>', literalZero)
    .where('purge_time_ms', '<=', nowMs)
    .orderBy('purge_time_ms')
    .limit(1)
    .offset(maxRemoved - 1)
    .executeTakeFirst();
  const purged = await db
    .deleteFrom('users')
    .where('delete_time_ms', '>', literalZero)
    .where('purge_time_ms', '<=', due?.ms ?? nowMs)
    .returningAll()
    .execute();
  // Whoever has one of these ids next must not be signed in by what was another's.
  for (let start = 0; start < purged.length; start += maxRemoved) {
    const ids = purged.slice(start, start + maxRemoved).map(({ id }) => id);
    await db.deleteFrom('credentials').where('user_id', 'in', ids).execute();
  }
  await appendAudit(engine, db, nowMs, purgeEntries(purged));
  return due !== undefined;
}

/** What the audit log says of users that are gone for good: some in each entry, so that none grows with their number. */
function purgeEntries(purged: readonly Row[]): NewEntry[] {
  const entries: NewEntry[] = [];
  for (let start = 0; start < purged.length; start += maxRemoved) {
    const some = purged.slice(start, start + maxRemoved);
    const changes = some.map((row) => ({ before: encodeUser(row), after: encodeUser(undefined) }));
    entries.push({ ...systemOrigin, changes, note: 'purged, for their time to be brought back is over' });
  }
  return entries;
}

async function forgetAnswers(db: Transaction<UsersDatabase>, bornUntilMs: bigint): Promise<boolean> {
  const outlived = await db
    .selectFrom('request_ids')
    .select('create_time_ms as ms')
    .where('create_time_ms', '<=', bornUntilMs)
    .orderBy('create_time_ms')
    .limit(1)
    .offset(maxRemoved - 1)
    .executeTakeFirst();
  await db
    .deleteFrom('request_ids')
    .where('create_time_ms', '<=', outlived?.ms ?? bornUntilMs)
    .execute();
  return outlived !== undefined;
}

async function forgetCredentials(db: Transaction<UsersDatabase>, nowMs: bigint): Promise<boolean> {
  const expired = await db
    .selectFrom('credentials')
    .select('expire_time_ms as ms')
    .where('expire_time_ms', '<=', nowMs)
    .orderBy('expire_time_ms')
    .limit(1)
    .offset(maxRemoved - 1)
    .executeTakeFirst();
  await db
    .deleteFrom('credentials')
    .where('expire_time_ms', '<=', expired?.ms ?? nowMs)
    .execute();
  return expired !== undefined;
}
