import { call } from '../calls/call.ts';
import { problemIn, sentence } from '../calls/problem.ts';
import { announce, tell } from '../shell/messages.tsx';
import { list } from './directory.ts';
import type { Fields } from './user/merge.ts';
import type { User } from './user/user.ts';

export function fieldsOf({ name, email, age, type }: User): Fields {
  return { name, email, age: age ?? null, type };
}

/** Creates a user. The key makes it safe to send again. @throws CallError */
export async function createUser({ age, ...fields }: Fields, key: string): Promise<User> {
  const body = { ...fields, ...(age !== null && { age }) };
  const user = await call<User>('POST', 'v1/users', { body, headers: { 'idempotency-key': key } });
  list.peek()?.put(user);
  tell(`${user.name} was added.`);
  return user;
}

/** Changes a user, unless somebody has since the etag was read. @throws CallError, with ETAG_MISMATCH then */
export async function updateUser(id: string, changes: Partial<Fields>, etag: string): Promise<User> {
  const headers = { 'content-type': 'application/merge-patch+json', 'if-match': `"${etag}"` };
  const user = await call<User>('PATCH', `v1/users/${id}`, { body: changes, headers });
  list.peek()?.put(user);
  tell(`${user.name} was saved.`);
  return user;
}

/** Deletes a user, with a way back. @throws CallError */
export async function deleteUser({ id, etag }: User): Promise<void> {
  const user = await call<User>('DELETE', `v1/users/${id}`, { headers: { 'if-match': `"${etag}"` } });
  list.peek()?.put(user);
  tell(`${user.name} was deleted.`, { action: { label: 'Undo', run: () => void undeleteUser(user) } });
}

/** Brings a deleted user back. */
export async function undeleteUser({ id, name }: User): Promise<void> {
  try {
    const user = await call<User>('POST', `v1/users/${id}:undelete`, { body: {} });
    list.peek()?.put(user);
    tell(`${user.name} is back.`);
    announce(`${user.name} is back.`);
  } catch (error) {
    tell(`${name} could not be brought back. ${sentence(problemIn(error))}`, { kind: 'failed' });
  }
}

/** The fields that differ. */
export function differences(from: Fields, to: Fields): Partial<Fields> {
  return {
    ...(from.name !== to.name && { name: to.name }),
    ...(from.email !== to.email && { email: to.email }),
    ...(from.age !== to.age && { age: to.age }),
    ...(from.type !== to.type && { type: to.type }),
  };
}
