import { hash } from 'node:crypto';
import type { user, userService } from '@rollcall/proto';
import type { Kysely } from 'kysely';
import { createUserCodec } from './create-user-method.ts';
import { prepared, type Slots } from './prepared.ts';
import type { UsersDatabase } from './users-database.ts';

/** How long a request may be sent again and still have its first answer, in milliseconds. */
const lifetimeMs = 24 * 60 * 60 * 1000;

/** After how many kept answers outlived ones are removed, and how many then: more than were added, and not too many at once. */
const removalInterval = 100;
const maxRemoved = 1000;

/** A request that may be sent again. */
export interface RepeatableRequest {
  readonly id: string;
  /** What another request with the same id must equal. */
  readonly hash: Uint8Array;
}

const find = prepared((db, slot: Slots<{ id: string; bornAfterMs: bigint }>) =>
  db
    .selectFrom('request_ids')
    .select(['request_hash', 'answer'])
    .where('id', '=', slot('id'))
    .where('create_time_ms', '>', slot('bornAfterMs')),
);

interface Kept {
  id: string;
  request_hash: Uint8Array;
  answer: Uint8Array;
  create_time_ms: bigint;
}

const keep = prepared((db, slot: Slots<Kept>) => {
  const kept = { request_hash: slot('request_hash'), answer: slot('answer'), create_time_ms: slot('create_time_ms') };
  return db
    .insertInto('request_ids')
    .values({ id: slot('id'), ...kept })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(kept)); // one that has outlived its day
});

const removeOutlived = prepared((db, slot: Slots<{ bornUntilMs: bigint }>) =>
  db
    .deleteFrom('request_ids')
    .where('id', 'in', (outlived) =>
      outlived
        .selectFrom('request_ids')
        .select('id')
        .where('create_time_ms', '<=', slot('bornUntilMs'))
        .orderBy('create_time_ms')
        .limit(maxRemoved),
    ),
);

/** The request to create this user. Equal requests have equal hashes, for fields are written in the order of their numbers. */
export function repeatable(id: string, created: object): RepeatableRequest {
  return { id, hash: hash('sha256', createUserCodec.encodeRequest({ user: created }), 'buffer') };
}

/** The answers to requests that had a request id, each kept for a day. */
export class RequestIds {
  #kept = 0;

  /** What this request was answered the first time, `reused` when its id came with another request, undefined when it is new. */
  async firstAnswer(
    db: Kysely<UsersDatabase>,
    request: RepeatableRequest,
    nowMs: number,
  ): Promise<user.User | 'reused' | undefined> {
    const [first] = await find(db, { id: request.id, bornAfterMs: BigInt(nowMs - lifetimeMs) });
    if (first === undefined) return undefined;
    if (Buffer.compare(first.request_hash, request.hash) !== 0) return 'reused';
    const answer = createUserCodec.decodeResponse(first.answer) as userService.CreateUserResponse; // as `keep` encoded it
    return answer.user ?? undefined;
  }

  /** Keeps the answer to a new request. Now and then it removes those that have outlived their day. */
  async keep(
    db: Kysely<UsersDatabase>,
    { id, hash: request_hash }: RepeatableRequest,
    answer: user.User,
    nowMs: number,
  ): Promise<void> {
    await keep(db, {
      id,
      request_hash,
      answer: createUserCodec.encodeResponse({ user: answer }),
      create_time_ms: BigInt(nowMs),
    });
    this.#kept += 1;
    if (this.#kept % removalInterval === 1) await removeOutlived(db, { bornUntilMs: BigInt(nowMs - lifetimeMs) });
  }
}
