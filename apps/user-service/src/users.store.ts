import type { OnApplicationShutdown } from '@nestjs/common';
import type { Timestamp, user } from '@rollcall/proto';
import type { Kysely, Selectable } from 'kysely';
import { GroupCommit } from './group-commit.ts';
import { prepared, type Slots } from './prepared.ts';
import { repeatable, RequestIds } from './request-ids.ts';
import { assignedId, assignedIdBehind, giveBack, isTaken } from './user-ids.ts';
import { openUsersDatabase, type UsersDatabase, type UsersTable } from './users-database.ts';

/** What of a user the caller decides. With id `0` the store chooses one. */
export type NewUser = Pick<user.User, 'id' | 'name' | 'email' | 'age' | 'type'>;

/** The user as stored, or why it is not. */
export type Created = user.User | 'id-taken' | 'email-taken' | 'request-id-reused';

/** Which users a page holds: live ones behind an id, in the order of the ids. */
export interface PageQuery {
  /** Of these types, each named once; of all types when empty. */
  readonly types: readonly user.UserType[];
  readonly afterId: string;
  readonly limit: number;
}

/** The users in an SQLite file. This is where rows become messages and messages become rows. */
export class UsersStore implements OnApplicationShutdown {
  readonly #db: Kysely<UsersDatabase>;
  readonly #writes: GroupCommit<UsersDatabase>;
  readonly #requestIds = new RequestIds();
  readonly #now: () => number;

  private constructor(db: Kysely<UsersDatabase>, now: () => number) {
    this.#db = db;
    this.#writes = new GroupCommit(db);
    this.#now = now;
  }

  /**
   * Opens the store.
   *
   * @param dataDir the directory of its file
   * @param now the time, in milliseconds since the epoch
   * @throws Error when another process has it open, or it cannot be opened
   */
  static async open(dataDir: string, now: () => number = Date.now): Promise<UsersStore> {
    return new UsersStore(await openUsersDatabase(dataDir), now);
  }

  /** Closes the store when the writes under way are done. Nest calls it, once the server has ended. */
  async onApplicationShutdown(): Promise<void> {
    await this.#writes.run(() => Promise.resolve()); // writes run in their order, so those before it are done
    await this.#db.destroy();
  }

  /**
   * Creates a user. It settles when the user is on the disk.
   *
   * @param requestId when it is not empty, the same request with the same id has its first answer for a day
   */
  create(created: NewUser, requestId = ''): Promise<Created> {
    const request = requestId === '' ? undefined : repeatable(requestId, created);
    return this.#writes.run(async (db) => {
      const nowMs = this.#now();
      const first = request && (await this.#requestIds.firstAnswer(db, request, nowMs));
      if (first !== undefined) return first === 'reused' ? 'request-id-reused' : first;
      const stored = await insert(db, toRow(created, nowMs));
      if (typeof stored !== 'string' && request !== undefined) await this.#requestIds.keep(db, request, stored, nowMs);
      return stored;
    });
  }

  /** The users with these ids, deleted ones too, by id. */
  async find(ids: readonly string[]): Promise<Map<string, user.User>> {
    const [id] = ids;
    const rows =
      ids.length === 1 && id !== undefined
        ? await findOne(this.#db, { id: BigInt(id) })
        : await this.#db.selectFrom('users').selectAll().where('id', 'in', ids.map(BigInt)).execute();
    return new Map(rows.map((row) => [String(row.id), toUser(row)]));
  }

  /** Those of the ids that live users have. */
  async findLiveIds(ids: readonly string[]): Promise<Set<string>> {
    const rows = await this.#db
      .selectFrom('users')
      .select('id')
      .where('id', 'in', ids.map(BigInt))
      .where('delete_time_ms', 'is', null)
      .execute();
    return new Set(rows.map(({ id }) => String(id)));
  }

  /** The live user with this address. */
  async findByEmail(email: string): Promise<user.User | undefined> {
    const live = this.#db.selectFrom('users').selectAll().where('delete_time_ms', 'is', null);
    const row = await live.where('email_key', '=', emailKey(email)).executeTakeFirst();
    return row && toUser(row);
  }

  /** The first, by id, of the live users with this name. */
  async findByName(name: string): Promise<user.User | undefined> {
    const live = this.#db.selectFrom('users').selectAll().where('delete_time_ms', 'is', null);
    const row = await live.where('name', '=', name).orderBy('id').limit(1).executeTakeFirst();
    return row && toUser(row);
  }

  /** A page of live users. A page that is not full is the last one. */
  async readPage({ types, afterId, limit }: PageQuery): Promise<user.User[]> {
    const page = this.#db
      .selectFrom('users')
      .selectAll()
      .where('delete_time_ms', 'is', null)
      .where('id', '>', BigInt(afterId))
      .orderBy('id')
      .limit(limit);
    if (types.length === 0) return (await page.execute()).map(toUser);
    // A page of each type, merged: each is a stretch of the index, where `in` would sort or scan all that is left.
    const pages = await Promise.all(types.map((type) => page.where('type', '=', BigInt(type)).execute()));
    const merged = pages.flat().toSorted((a, b) => (a.id < b.id ? -1 : 1));
    return merged.slice(0, limit).map(toUser);
  }
}

type Row = Selectable<UsersTable>;

const findOne = prepared((db, slot: Slots<{ id: bigint }>) =>
  db.selectFrom('users').selectAll().where('id', '=', slot('id')),
);

const insertOne = prepared((db, slot: Slots<Row>) =>
  db
    .insertInto('users')
    .values({
      id: slot('id'),
      name: slot('name'),
      email: slot('email'),
      email_key: slot('email_key'),
      age: slot('age'),
      type: slot('type'),
      create_time_ms: slot('create_time_ms'),
      update_time_ms: slot('update_time_ms'),
      delete_time_ms: slot('delete_time_ms'),
      purge_time_ms: slot('purge_time_ms'),
      revision: slot('revision'),
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id'),
);

async function insert(db: Kysely<UsersDatabase>, row: Row): Promise<Created> {
  const chosen = row.id !== 0n;
  let id = chosen ? row.id : await assignedId(db);
  for (;;) {
    const inserted = await insertOne(db, { ...row, id });
    if (inserted.length > 0) return toUser({ ...row, id });
    if (!(await isTaken(db, id))) {
      if (!chosen) await giveBack(db, id);
      return 'email-taken';
    }
    if (chosen) return 'id-taken';
    id = await assignedIdBehind(db, id);
  }
}

function toRow({ id, name, email, age, type }: NewUser, nowMs: number): Row {
  return {
    id: BigInt(id),
    name,
    email,
    email_key: email === '' ? null : emailKey(email),
    age: age == null ? null : BigInt(age),
    type: BigInt(type),
    create_time_ms: BigInt(nowMs),
    update_time_ms: BigInt(nowMs),
    delete_time_ms: null,
    purge_time_ms: null,
    revision: 1n,
  };
}

function toUser(row: Row): user.User {
  return {
    id: String(row.id),
    name: row.name,
    email: row.email,
    age: row.age === null ? undefined : Number(row.age),
    type: Number(row.type),
    createTime: toTimestamp(row.create_time_ms),
    updateTime: toTimestamp(row.update_time_ms),
    deleteTime: row.delete_time_ms === null ? null : toTimestamp(row.delete_time_ms),
    purgeTime: row.purge_time_ms === null ? null : toTimestamp(row.purge_time_ms),
    // An id may be given anew after a purge, so the revision alone would not tell the two users apart.
    etag: `${row.create_time_ms.toString(36)}-${row.revision}`,
  };
}

function toTimestamp(ms: bigint): Timestamp {
  return { seconds: String(ms / 1000n), nanos: Number(ms % 1000n) * 1_000_000 };
}

/** The same for addresses that differ in case or in how Unicode composes a letter alone. */
function emailKey(email: string): string {
  return email.normalize('NFC').toLowerCase();
}
