import type { OnApplicationShutdown } from '@nestjs/common';
import { currentCall } from '@rollcall/grpc';
import type { user, userService } from '@rollcall/proto';
import { emailKey, nameKey } from '../query/text-keys.ts';
import { AuditLog } from './audit/log.ts';
import type { AuditRetention } from './audit/retention.ts';
import { ChangeFeed } from './changes/feed.ts';
import { Credentials } from './credentials/credentials.ts';
import type { Engine } from './engine/engine.ts';
import { FoundUser } from './users/found-user.ts';
import { literalEmpty, literalZero } from './engine/literals.ts';
import { loadTouched } from './users/load-touched.ts';
import { Maintenance } from './maintenance.ts';
import { prepared, type Slots } from './engine/prepared.ts';
import { toUser, userColumns } from './users/rows.ts';
import { ScanTurns } from './users/scan-turns.ts';
import { SnapshotPages } from './users/snapshot-pages.ts';
import { UserPages } from './users/pages.ts';
import type { Loaded, Touched } from './users/view.ts';
import { type Write, WriteQueue } from './changes/write-queue.ts';

export interface UsersStoreOptions {
  /** The time, in milliseconds since the epoch. */
  readonly now?: () => number;
  /** How long changes can be watched from afterwards, in milliseconds; a week by default. */
  readonly keepChangesMs?: number;
  /** How long the audit log is kept; for ever by default. */
  readonly keepAudit?: AuditRetention;
}

const weekMs = 7 * 24 * 60 * 60 * 1000;

const forEver: AuditRetention = { keepMs: 1e15, keepDeniedMs: 1e15 };

/** The users, and what happened to them. This is where rows become messages and messages become rows. */
export class UsersStore implements OnApplicationShutdown {
  /** The turns of what scans the directory. */
  readonly scans: ScanTurns;
  readonly pages: UserPages;
  readonly snapshots: SnapshotPages;
  readonly feed: ChangeFeed;
  readonly maintenance: Maintenance;
  readonly credentials: Credentials;
  readonly audit: AuditLog;
  readonly #engine: Engine;
  readonly #writes: WriteQueue;
  readonly #closing: (() => void)[] = [];
  #finds = 0;
  readonly #secrets: ReadonlyMap<string, Uint8Array>;

  private constructor(engine: Engine, secrets: ReadonlyMap<string, Uint8Array>, options: UsersStoreOptions) {
    const { now = Date.now, keepChangesMs = weekMs, keepAudit = forEver } = options;
    this.#engine = engine;
    this.#secrets = secrets;
    this.scans = new ScanTurns(() => this.#finds);
    this.pages = new UserPages(engine, this.scans);
    this.snapshots = new SnapshotPages(engine);
    this.feed = new ChangeFeed(engine);
    this.#writes = new WriteQueue(engine, now, () => this.feed.wake());
    this.maintenance = new Maintenance(engine, this.#writes, now, keepChangesMs, keepAudit);
    this.credentials = new Credentials(engine, this.#writes, now);
    this.audit = new AuditLog(engine, this.#writes, now);
  }

  /** The store over an open database, which it closes. */
  static async over(engine: Engine, options: UsersStoreOptions = {}): Promise<UsersStore> {
    const secrets = await engine.db.selectFrom('secrets').selectAll().execute();
    return new UsersStore(engine, new Map(secrets.map(({ name, value }) => [name, value])), options);
  }

  /** Calls back when the store begins to close. */
  onClose(listener: () => void): void {
    this.#closing.push(listener);
  }

  /** Closes the store when the writes under way are done. Nest calls it, once the server has ended. */
  async onApplicationShutdown(): Promise<void> {
    for (const listener of this.#closing) listener();
    await this.maintenance.stop();
    await this.audit.close();
    await this.credentials.settled();
    await this.#writes.settled();
    this.feed.close();
    await this.#engine.close();
  }

  /** Whether the database answers. */
  answers(): Promise<boolean> {
    return this.#engine.answers();
  }

  /** A random value that was made with the directory. @throws Error when it has none of this name */
  secret(name: 'directory' | 'page_token'): Uint8Array {
    const secret = this.#secrets.get(name);
    if (secret === undefined) throw new Error(`the directory has no ${name}`);
    return secret;
  }

  /** Writes. It settles when what was written is on the disk. Who has gone away before it began is not written for. */
  write<T>(write: Write<T>): Promise<T> {
    return this.#writes.run({ signal: currentCall()?.signal, ...write });
  }

  /** What a write would have to know, as it is now. */
  load(touched: Touched): Promise<Pick<Loaded, 'users' | 'answers'>> {
    return loadTouched(this.#engine, this.#engine.db, [touched]);
  }

  /** How often somebody has asked for users by their ids: who has much to do sees by it whether others wait. */
  get finds(): number {
    return this.#finds;
  }

  /** The users with these ids, deleted ones too, by id. */
  async find(ids: readonly string[]): Promise<Map<string, user.User>> {
    const { db } = this.#engine;
    this.#finds += 1;
    const [id] = ids;
    const rows =
      ids.length === 1 && id !== undefined
        ? await findOne(db, { id: BigInt(id) })
        : await db
            .selectFrom('users')
            .selectAll()
            .where(this.#engine.isOneOf('id', ids.map(BigInt)))
            .execute();
    return new Map(rows.map((row) => [String(row.id), toUser(row)]));
  }

  /** The answer to whoever asks for one user, also a deleted one; undefined when there is none. */
  async findOne(id: string): Promise<userService.GetUserResponse | undefined> {
    this.#finds += 1;
    const [row] = await findOne(this.#engine.db, { id: BigInt(id) });
    return row && new FoundUser(row);
  }

  /** Those of the ids that live users have. */
  async findLiveIds(ids: readonly string[]): Promise<Set<string>> {
    const rows = await this.#engine.db
      .selectFrom('users')
      .select('id')
      .where(this.#engine.isOneOf('id', ids.map(BigInt)))
      .where('delete_time_ms', '=', literalZero)
      .execute();
    return new Set(rows.map(({ id }) => String(id)));
  }

  /** The live user with this address. */
  async findByEmail(email: string): Promise<user.User | undefined> {
    const [row] = await findByEmailKey(this.#engine.db, { key: emailKey(email) });
    return row && toUser(row);
  }

  /** The first, by id, of the live users with this name. */
  async findByName(name: string): Promise<user.User | undefined> {
    const [row] = await findByNameKey(this.#engine.db, { key: nameKey(name), name });
    return row && toUser(row);
  }
}

const findOne = prepared((db, slot: Slots<{ id: bigint }>) =>
  db.selectFrom('users').select(userColumns).where('id', '=', slot('id')),
);

const findByEmailKey = prepared((db, slot: Slots<{ key: string }>) =>
  db
    .selectFrom('users')
    .selectAll()
    .where('email_key', '=', slot('key'))
    .where('email_key', '<>', literalEmpty)
    .where('delete_time_ms', '=', literalZero),
);

const findByNameKey = prepared((db, slot: Slots<{ key: string; name: string }>) =>
  db
    .selectFrom('users')
    .selectAll()
    .where('name_key', '=', slot('key'))
    .where('name', '=', slot('name'))
    .where('delete_time_ms', '=', literalZero)
    .orderBy('id')
    .limit(1),
);
