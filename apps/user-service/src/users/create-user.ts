import { hash } from 'node:crypto';
import { user, userService } from '@rollcall/proto';
import { emailKey } from '../query/text-keys.ts';
import { newRow, toUser, type UserFields } from '../store/users/rows.ts';
import type { Write } from '../store/changes/write-queue.ts';
import { createUserCodec } from './checks.ts';
import { emailTaken, userIdTaken } from './errors.ts';
import { keepAnswer, keptAnswer, type KnownRequest } from './kept-answers.ts';

/**
 * Creates a user.
 *
 * @param sent a user that keeps the rules of the contract; what the service sets itself is ignored
 * @param requestId when it is not empty, the same request of the same caller with the same id has its first answer for a day
 * @param callerId the user who sends it; `0` when that is nobody of the directory
 * @throws RpcError USER_ID_TAKEN, EMAIL_TAKEN or REQUEST_ID_REUSED, when it is run
 */
export function createUser(sent: user.User, requestId: string, callerId = '0'): Write<user.User> {
  const id = BigInt(sent.id);
  const fields = fieldsOf(sent);
  const key = emailKey(fields.email);
  const request: KnownRequest | undefined =
    requestId === '' ? undefined : { id: requestKey(callerId, requestId), request_hash: hashOf(sent.id, fields) };
  return {
    touched: {
      emailKeys: [key],
      requestIds: request ? [request.id] : [],
      ...(id === 0n ? { newIds: 1 } : { ids: [id] }),
    },
    apply: (view) => {
      const first = request && keptAnswer(view, request);
      if (first !== undefined) return userIn(first);
      if (view.byId(id) !== undefined) throw userIdTaken(sent.id);
      if (view.liveByEmail(key) !== undefined) throw emailTaken();
      const row = newRow(id === 0n ? view.newId() : id, fields, view.nowMs);
      view.put(row, userService.WatchEvent_Kind.KIND_CREATED);
      const created = toUser(row);
      if (request !== undefined) keepAnswer(view, request, createUserCodec.encodeResponse({ user: created }));
      return created;
    },
  };
}

/** What a request is known by. The ids that one caller chooses have nothing to do with those of another. */
function requestKey(callerId: string, requestId: string): string {
  return `${callerId}/${requestId}`;
}

/** What the caller decides of a user. One without a type is NORMAL. */
export function fieldsOf({ name, email, age, type }: user.User): UserFields {
  const { USER_TYPE_UNSPECIFIED, USER_TYPE_NORMAL } = user.UserType;
  return { name, email, age, type: type === USER_TYPE_UNSPECIFIED ? USER_TYPE_NORMAL : type };
}

function userIn(answer: Uint8Array): user.User {
  const { user: created } = createUserCodec.decodeResponse(answer) as userService.CreateUserResponse; // as it was encoded
  if (created === null || created === undefined) throw new Error('a kept answer has no user');
  return created;
}

/** Equal requests have equal hashes, for fields are written in the order of their numbers. */
function hashOf(id: string, fields: UserFields): Uint8Array {
  return hash('sha256', createUserCodec.encodeRequest({ user: { ...fields, id } }), 'buffer');
}
