import { notPermitted } from '@rollcall/access';
import { type FieldViolation, invalidFields } from '@rollcall/grpc';
import { user, userService } from '@rollcall/proto';
import { fieldsOf } from './create-user.ts';
import { emailKey } from '../query/text-keys.ts';
import {
  changedRow,
  etagOf,
  fieldColumns,
  isSame,
  storedFields,
  toUser,
  type UserFields,
} from '../store/users/rows.ts';
import { isLive } from '../store/users/view.ts';
import type { Write } from '../store/changes/write-queue.ts';
import { userViolations } from './checks.ts';
import { emailTaken, etagMismatch, liveUserNotFound } from './errors.ts';

type FieldName = keyof UserFields;
const fieldNames: readonly FieldName[] = ['name', 'email', 'age', 'type'];

/**
 * Fields that a mask may name and that do not change: those that the service keeps to itself, and the id, which is that of
 * the user for it is what the user is found by.
 *
 * @see https://google.aip.dev/203
 */
const ignored = ['id', 'create_time', 'update_time', 'delete_time', 'purge_time', 'etag'];

/**
 * Changes the fields of a user that a mask names. A change that changes nothing makes no new version.
 *
 * @param keepsAddress whether the caller may not change the address, by which users are known to an issuer
 * @throws RpcError INVALID_FIELD at once; USER_NOT_FOUND, ETAG_MISMATCH, NOT_PERMITTED or EMAIL_TAKEN, when it is run
 */
export function updateUser(
  { user: sent, updateMask }: userService.UpdateUserRequest,
  keepsAddress = false,
): Write<user.User> {
  if (sent === null) throw invalidFields([{ field: 'user', description: 'is required', reason: 'required' }]);
  const names = namesOf(sent, updateMask);
  const fields = checkedFields(sent, names);
  const id = BigInt(sent.id);
  return {
    touched: { ids: [id], emailKeys: fields.email === undefined ? [] : [emailKey(fields.email)] },
    apply: (view) => {
      const row = view.byId(id);
      if (row === undefined || !isLive(row)) throw liveUserNotFound(sent.id);
      if (sent.etag !== '' && sent.etag !== etagOf(row)) throw etagMismatch(etagOf(row));
      const columns = fieldColumns({ ...storedFields(row), ...fields });
      if (isSame(row, columns)) return toUser(row);
      if (keepsAddress && columns.email !== row.email)
        throw notPermitted(
          'Only administrators change email addresses here: by them the issuer says who signs in.',
          'it would change the address by which the user signs in',
        );
      const holder = view.liveByEmail(columns.email_key);
      if (holder !== undefined && holder.id !== id) throw emailTaken();
      const changed = changedRow(row, columns, view.nowMs);
      view.put(changed, userService.WatchEvent_Kind.KIND_UPDATED);
      return toUser(changed);
    },
  };
}

/** The fields to change: those of the mask, or without one, or with an empty one, all that are set. @see https://google.aip.dev/134 */
function namesOf(sent: user.User, mask: readonly string[] | null | undefined): readonly FieldName[] {
  if (mask == null || mask.length === 0) {
    const set = {
      name: sent.name !== '',
      email: sent.email !== '',
      age: sent.age != null,
      type: sent.type !== user.UserType.USER_TYPE_UNSPECIFIED,
    };
    return fieldNames.filter((name) => set[name]);
  }
  if (mask.includes('*')) return fieldNames;
  const violations: FieldViolation[] = [];
  for (const path of mask) {
    if (!ignored.includes(path) && !fieldNames.some((name) => name === path))
      violations.push({ field: 'update_mask', description: `a user has no field "${path}"`, reason: 'unknown_field' });
  }
  if (violations.length > 0) throw invalidFields(violations);
  return fieldNames.filter((name) => mask.includes(name));
}

/** The new values. @throws RpcError INVALID_FIELD when one breaks the contract's rule of its field, or the id does */
function checkedFields(sent: user.User, names: readonly FieldName[]): Partial<UserFields> {
  if (sent.id === '0') throw invalidFields([{ field: 'user.id', description: 'is required', reason: 'required' }]);
  const given = fieldsOf(sent);
  const fields: Partial<UserFields> = Object.fromEntries(names.map((name) => [name, given[name]]));
  // An etag is a condition: one that is too long is that of no user.
  const unchanged = { name: 'unchanged', email: '', age: undefined, type: user.UserType.USER_TYPE_NORMAL, etag: '' };
  const violations = userViolations({ ...sent, ...unchanged, ...fields });
  if (violations.length > 0) throw invalidFields(violations);
  return fields;
}
