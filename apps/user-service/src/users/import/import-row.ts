import { user, userService } from '@rollcall/proto';
import { fieldsOf } from '../create-user.ts';
import { emailKey } from '../../query/text-keys.ts';
import { changedRow, fieldColumns, isSame, newRow, type Row } from '../../store/users/rows.ts';
import { isLive, type UsersView } from '../../store/users/view.ts';

const { KIND_CREATED, KIND_UPDATED } = userService.WatchEvent_Kind;
const { IMPORT_CONFLICT_SKIP, IMPORT_CONFLICT_UPDATE } = userService.ImportConflict;

const { USER_TYPE_ADMINISTRATOR, USER_TYPE_DISABLED, USER_TYPE_GUEST, USER_TYPE_NORMAL } = user.UserType;
const ranks = [USER_TYPE_DISABLED, USER_TYPE_GUEST, USER_TYPE_NORMAL, USER_TYPE_ADMINISTRATOR];

/** What became of a row, or which field is wrong. */
export type Outcome = 'created' | 'updated' | 'unchanged' | { readonly field: string; readonly message: string };

/**
 * Imports one row. The user is there already when a user has its id; a row without an id is known by its address.
 *
 * @param row a user that keeps the rules of the contract
 * @returns what became of it, and the id of its user
 */
export function importRow(
  view: UsersView,
  row: user.User,
  onConflict: userService.ImportConflict,
): { id: string; outcome: Outcome } {
  const id = BigInt(row.id);
  const key = emailKey(row.email);
  const holder = view.liveByEmail(key);
  const there = id === 0n ? holder : view.byId(id);
  if (there !== undefined) return { id: String(there.id), outcome: meet(view, there, row, onConflict) };
  if (holder !== undefined) return { id: row.id, outcome: takenEmail(holder) };
  const created = newRow(id === 0n ? view.newId() : id, fieldsOf(row), ...timesOf(row, view.nowMs));
  view.put(created, KIND_CREATED);
  return { id: String(created.id), outcome: 'created' };
}

function meet(view: UsersView, there: Row, row: user.User, onConflict: userService.ImportConflict): Outcome {
  const keepsType = row.type === user.UserType.USER_TYPE_UNSPECIFIED;
  const columns = fieldColumns({ ...fieldsOf(row), ...(keepsType && { type: Number(there.type) }) });
  if (onConflict === IMPORT_CONFLICT_SKIP) return 'unchanged';
  if (!isLive(there)) return { field: 'user.id', message: `a deleted user has the id ${there.id}: undelete it first` };
  if (isSame(there, columns)) return 'unchanged';
  if (onConflict !== IMPORT_CONFLICT_UPDATE) {
    return row.id === '0' ? takenEmail(there) : { field: 'user.id', message: `another user has the id ${there.id}` };
  }
  // Whoever has an address may have given it to themselves: it finds somebody, and makes nobody an administrator.
  if (row.id === '0' && rankOf(Number(columns.type)) > rankOf(Number(there.type))) {
    const message = `the user with the id ${there.id} has this email address: a row that gives more rights names the id`;
    return { field: 'user.id', message };
  }
  const holder = view.liveByEmail(columns.email_key);
  if (holder !== undefined && holder.id !== there.id) return takenEmail(holder);
  view.put(changedRow(there, columns, view.nowMs), KIND_UPDATED);
  return 'updated';
}

/** Which type may do more. */
function rankOf(type: user.UserType): number {
  return ranks.indexOf(type);
}

function takenEmail({ id }: Row): Outcome {
  return { field: 'user.email', message: `the user with the id ${id} has this email address` };
}

/** When a user was created and changed: as the row says, so that the copy of a directory equals it, and never later than now. */
function timesOf({ createTime, updateTime }: user.User, nowMs: bigint): [createTimeMs: bigint, updateTimeMs: bigint] {
  const read = (time: user.User['createTime']): bigint | undefined => {
    if (time === null) return undefined;
    const ms = BigInt(time.seconds) * 1000n + BigInt(Math.floor(time.nanos / 1_000_000));
    return ms > 0n && ms <= nowMs ? ms : undefined;
  };
  const created = read(createTime) ?? nowMs;
  const updated = read(updateTime) ?? created;
  return [created, updated < created ? created : updated];
}
