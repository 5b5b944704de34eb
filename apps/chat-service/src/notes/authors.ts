import { Metadata } from '@grpc/grpc-js';
import { Logger } from '@nestjs/common';
import { outsideOfCalls } from '@rollcall/grpc';
import { user, userService } from '@rollcall/proto';
import { defer, firstValueFrom, type Subscription } from 'rxjs';

/** What is known of a user. */
export interface Person {
  readonly id: string;
  readonly name: string;
  /** Unspecified when the user is deleted. */
  readonly type: user.UserType;
}

/** How many users are asked for at a time, and are remembered. */
const batch = 500;
const maxKept = 50_000;

/** How long a lookup may take, in milliseconds. */
const deadlineMs = 5000;

/** When the next try to watch comes: after so many milliseconds, twice as many each time. */
const firstRetryMs = 100;
const lastRetryMs = 2000;

/** How long what is kept holds without a watch, in milliseconds. */
const unwatchedMs = 1000;

const { KIND_CHECKPOINT } = userService.WatchEvent_Kind;

const logger = new Logger('directory');

/** The names and types of users as the directory has them now: what was asked for is kept up to date by a watch. */
export class Directory {
  readonly #client: userService.UserServiceClient;
  readonly #token: () => string | undefined;
  readonly #kept = new Map<string, Person | undefined>();
  #asked = new Map<string, PromiseWithResolvers<Person | undefined>>();
  /** How many questions are under way, and who has changed meanwhile: an answer may be from before. */
  #asking = 0;
  readonly #changed = new Map<string, Person>();
  #watch: Subscription | undefined;
  #timer: NodeJS.Timeout | undefined;
  #resumeToken = '';
  #retryMs = firstRetryMs;
  /** Since when changes are not heard of; undefined while they are. */
  #deafSince: number | undefined = -Infinity;
  #closed = false;

  /** @param token what this service calls with, if it has to */
  constructor(client: userService.UserServiceClient, token: () => string | undefined) {
    this.#client = client;
    this.#token = token;
  }

  /** Watches, until it is closed. */
  start(): this {
    outsideOfCalls(() => this.#listen());
    return this;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#watch?.unsubscribe();
  }

  /** Finds a user; undefined when there never was one with this id. @throws RpcError when user-service cannot be asked */
  find(id: string): Promise<Person | undefined> {
    if (this.#isUpToDate && this.#kept.has(id)) return Promise.resolve(this.#kept.get(id));
    let asked = this.#asked.get(id);
    if (asked === undefined) {
      if (this.#asked.size === 0) outsideOfCalls(() => setImmediate(() => void this.#answer()));
      this.#asked.set(id, (asked = Promise.withResolvers()));
    }
    return asked.promise;
  }

  get #isUpToDate(): boolean {
    return this.#deafSince === undefined || performance.now() - this.#deafSince < unwatchedMs;
  }

  async #answer(): Promise<void> {
    const asked = this.#asked;
    this.#asked = new Map();
    const ids = [...asked.keys()];
    for (let start = 0; start < ids.length; start += batch) {
      const some = ids.slice(start, start + batch);
      this.#asking += 1;
      try {
        const people = await this.#ask(some);
        for (const id of some) {
          const person = this.#changed.get(id) ?? people.get(id);
          this.#keep(id, person);
          asked.get(id)?.resolve(person);
        }
      } catch (error) {
        for (const id of some) asked.get(id)?.reject(error);
      } finally {
        this.#asking -= 1;
        if (this.#asking === 0) this.#changed.clear();
      }
    }
  }

  async #ask(ids: string[]): Promise<Map<string, Person>> {
    const found = await firstValueFrom(this.#client.batchGetUsers({ ids }, this.#options()));
    return new Map(found.users.map((one) => [one.id, personOf(one)]));
  }

  #keep(id: string, person: Person | undefined): void {
    this.#kept.delete(id);
    this.#kept.set(id, person);
    if (this.#kept.size <= maxKept) return;
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined) this.#kept.delete(oldest);
  }

  #listen(): void {
    if (this.#closed) return;
    const request = { filter: '', snapshot: false, resumeToken: this.#resumeToken };
    this.#watch = defer(() => this.#client.watchUsers(request, { metadata: this.#metadata() })).subscribe({
      next: ({ events }) => {
        for (const event of events) this.#hear(event);
      },
      error: (error: unknown) => this.#retry(error),
      complete: () => this.#retry(undefined),
    });
  }

  #hear({ kind, after, resumeToken }: userService.WatchEvent): void {
    // Without a token it is not known what has happened before: what was kept may be old.
    if (this.#resumeToken === '') this.#kept.clear();
    this.#resumeToken = resumeToken;
    if (after !== null && this.#kept.has(after.id)) this.#kept.set(after.id, personOf(after));
    if (after !== null && this.#asking > 0) this.#changed.set(after.id, personOf(after));
    if (kind !== KIND_CHECKPOINT) return;
    this.#deafSince = undefined;
    this.#retryMs = firstRetryMs;
  }

  #retry(error: unknown): void {
    if (this.#closed) return;
    if (this.#deafSince === undefined) logger.warn(`changes of users are not heard of: ${String(error)}`);
    this.#deafSince ??= performance.now();
    if (hasReason(error, 'RESUME_TOKEN_GONE') || hasReason(error, 'INVALID_FIELD')) this.#resumeToken = '';
    this.#timer = setTimeout(() => this.#listen(), this.#retryMs * (0.5 + Math.random())).unref();
    this.#retryMs = Math.min(this.#retryMs * 2, lastRetryMs);
  }

  #options() {
    return { metadata: this.#metadata(), deadline: Date.now() + deadlineMs };
  }

  #metadata(): Metadata {
    const metadata = new Metadata();
    const token = this.#token();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    return metadata;
  }
}

function personOf({ id, name, type, deleteTime }: user.User): Person {
  return { id, name, type: deleteTime === null ? type : user.UserType.USER_TYPE_UNSPECIFIED };
}

function hasReason(error: unknown, reason: string): boolean {
  return typeof error === 'object' && error !== null && 'reason' in error && error.reason === reason;
}
