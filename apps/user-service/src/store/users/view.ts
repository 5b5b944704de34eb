import type { userService } from '@rollcall/proto';
import type { Selectable } from 'kysely';
import type { Row } from './rows.ts';
import type { RequestIdsTable } from '../engine/tables.ts';

/** The answer to a request that may be sent again. */
export type KeptAnswer = Selectable<RequestIdsTable>;

/** What a write needs to know before it decides. */
export interface Touched {
  /** The users that it names. */
  readonly ids?: readonly bigint[];
  /** The addresses that it gives to users. */
  readonly emailKeys?: readonly string[];
  /** The requests whose first answers it may give again. */
  readonly requestIds?: readonly string[];
  /** How many users it may have to give an id to. */
  readonly newIds?: number;
}

/** A change that is to be logged. */
export interface Change {
  readonly kind: userService.WatchEvent_Kind;
  readonly before: Row | undefined;
  readonly after: Row;
}

/** What was loaded for a group of writes. */
export interface Loaded {
  readonly nowMs: bigint;
  readonly users: readonly Row[];
  readonly answers: readonly KeptAnswer[];
  /** Ids that no user has, in their order, as many as may be needed. */
  readonly freeIds: readonly bigint[];
}

/**
 * The part of the directory that a group of writes touches, as it is in its transaction and as the writes change it.
 * They run on it one after the other, without waiting for anything, and what they did is then stored at once.
 */
export class UsersView {
  readonly nowMs: bigint;
  readonly changes: Change[] = [];
  readonly newAnswers: KeptAnswer[] = [];
  readonly #loaded = new Map<bigint, Row>();
  readonly #users = new Map<bigint, Row>();
  readonly #idByEmail = new Map<string, bigint>();
  readonly #answers: Map<string, KeptAnswer>;
  readonly #freeIds: readonly bigint[];
  #takenIds = 0;
  #lastNewId: bigint | undefined;

  constructor({ nowMs, users, answers, freeIds }: Loaded) {
    this.nowMs = nowMs;
    for (const row of users) {
      this.#loaded.set(row.id, row);
      this.#set(row);
    }
    this.#answers = new Map(answers.map((answer) => [answer.id, answer]));
    this.#freeIds = freeIds;
  }

  /** The user, live or deleted, with this id, which the write has to name beforehand. */
  byId(id: bigint): Row | undefined {
    return this.#users.get(id);
  }

  /** The live user with this address, which the write has to name beforehand. */
  liveByEmail(key: string): Row | undefined {
    const id = key === '' ? undefined : this.#idByEmail.get(key);
    return id === undefined ? undefined : this.#users.get(id);
  }

  /** The id for a user who was given none: the counter keeps ids small and dense. It is taken once a user is put there. */
  newId(): bigint {
    while (this.#users.has(this.#freeIds[this.#takenIds] ?? 0n)) this.#takenIds += 1;
    const id = this.#freeIds[this.#takenIds];
    if (id === undefined) throw new Error('a write needs more ids than it said');
    this.#lastNewId = id;
    return id;
  }

  /** Stores a version of a user, and logs it. */
  put(after: Row, kind: userService.WatchEvent_Kind): void {
    const before = this.#users.get(after.id);
    if (before !== undefined && isLive(before) && this.#idByEmail.get(before.email_key) === before.id)
      this.#idByEmail.delete(before.email_key);
    this.#set(after);
    this.changes.push({ kind, before, after });
  }

  answerTo(requestId: string): KeptAnswer | undefined {
    return this.#answers.get(requestId);
  }

  keepAnswer(answer: KeptAnswer): void {
    this.#answers.set(answer.id, answer);
    this.newAnswers.push(answer);
  }

  /** What is to be stored: the last version of each user. */
  outcome(): { inserted: Row[]; updated: Row[]; nextId: bigint | undefined } {
    const changed = new Map<bigint, Row>();
    for (const { after } of this.changes) {
      changed.delete(after.id); // the last change decides the place
      changed.set(after.id, after);
    }
    const rows = [...changed.values()];
    const used = this.#lastNewId !== undefined && changed.has(this.#lastNewId);
    return {
      inserted: rows.filter(({ id }) => !this.#loaded.has(id)),
      updated: rows.filter(({ id }) => this.#loaded.has(id)),
      nextId: used && this.#lastNewId !== undefined ? this.#lastNewId + 1n : undefined,
    };
  }

  /** Whether an update gives a user an address that another update takes from a user. */
  movesAddresses(): boolean {
    const freed = new Set<string>();
    for (const { before, after } of this.changes)
      if (before !== undefined && before.email_key !== after.email_key) freed.add(before.email_key);
    return this.changes.some(
      ({ before, after }) => before?.email_key !== after.email_key && freed.has(after.email_key),
    );
  }

  #set(row: Row): void {
    this.#users.set(row.id, row);
    if (row.email_key !== '' && isLive(row)) this.#idByEmail.set(row.email_key, row.id);
  }
}

export function isLive(row: Row): boolean {
  return row.delete_time_ms === 0n;
}
