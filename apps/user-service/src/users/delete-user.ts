import { type user, userService } from '@rollcall/proto';
import { changedRow, etagOf, toUser } from '../store/users/rows.ts';
import { isLive } from '../store/users/view.ts';
import type { Write } from '../store/changes/write-queue.ts';
import { emailTaken, etagMismatch, liveUserNotFound, userNotDeleted, userNotFound } from './errors.ts';

const { KIND_DELETED, KIND_UNDELETED } = userService.WatchEvent_Kind;

/**
 * Deletes a user, who can be brought back until the purge time.
 *
 * @param keepMs how long that is, in milliseconds
 * @throws RpcError USER_NOT_FOUND or ETAG_MISMATCH, when it is run
 */
export function deleteUser({ id, etag }: userService.DeleteUserRequest, keepMs: number): Write<user.User> {
  return {
    touched: { ids: [BigInt(id)] },
    apply: (view) => {
      const row = view.byId(BigInt(id));
      if (row === undefined || !isLive(row)) throw liveUserNotFound(id);
      if (etag !== '' && etag !== etagOf(row)) throw etagMismatch(etagOf(row));
      const times = { delete_time_ms: view.nowMs, purge_time_ms: view.nowMs + BigInt(keepMs) };
      const deleted = changedRow(row, times, view.nowMs);
      view.put(deleted, KIND_DELETED);
      return toUser(deleted);
    },
  };
}

/**
 * Brings a deleted user back.
 *
 * @throws RpcError USER_NOT_FOUND, USER_NOT_DELETED, ETAG_MISMATCH or EMAIL_TAKEN, when it is run
 */
export function undeleteUser({ id, etag }: userService.UndeleteUserRequest): Write<user.User> {
  return {
    touched: { ids: [BigInt(id)] },
    apply: (view) => {
      const row = view.byId(BigInt(id));
      if (row === undefined) throw userNotFound(`the id ${id}`);
      if (isLive(row)) throw userNotDeleted(id);
      if (row.purge_time_ms <= view.nowMs) throw userNotFound(`the id ${id}`); // it is about to be purged
      if (etag !== '' && etag !== etagOf(row)) throw etagMismatch(etagOf(row));
      if (view.liveByEmail(row.email_key) !== undefined) throw emailTaken();
      const live = changedRow(row, { delete_time_ms: 0n, purge_time_ms: 0n }, view.nowMs);
      view.put(live, KIND_UNDELETED);
      return toUser(live);
    },
  };
}
