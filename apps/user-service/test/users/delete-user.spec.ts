import { status as Status } from '@grpc/grpc-js';
import { firstValueFrom } from 'rxjs';
import { expect, test, vi } from 'vitest';
import { createUser as creation } from '../../src/users/create-user.ts';
import { deleteUser as deletion, undeleteUser as undeletion } from '../../src/users/delete-user.ts';
import { createUser, failure, newUser, openStore, startService } from '../service.ts';

const dayMs = 24 * 60 * 60 * 1000;
const msOf = (time: { seconds: string; nanos: number } | null): number =>
  time === null ? Number.NaN : Number(time.seconds) * 1000 + time.nanos / 1e6;

test('deletes a user, and brings it back as it was', async () => {
  await using service = await startService();
  const ada = await createUser(service.users, { id: '1', email: 'ada@example.com' });
  const { user: deleted } = await firstValueFrom(service.users.deleteUser({ id: '1', etag: ada.etag }));
  expect(msOf(deleted?.purgeTime ?? null) - msOf(deleted?.deleteTime ?? null)).toBe(30 * dayMs);
  expect(deleted?.etag).not.toBe(ada.etag);
  const { user: live } = await firstValueFrom(service.users.undeleteUser({ id: '1', etag: deleted?.etag ?? '' }));
  expect(live).toEqual({ ...ada, updateTime: live?.updateTime, etag: live?.etag });
  expect(live?.etag).not.toBe(deleted?.etag);
});

test('answers NOT_FOUND, ABORTED and FAILED_PRECONDITION, and changes nothing then', async () => {
  await using service = await startService();
  const { users } = service;
  const ada = await createUser(users, { id: '1' });
  const notFound = { code: Status.NOT_FOUND, reason: 'USER_NOT_FOUND' };
  expect(await failure(users.deleteUser({ id: '2', etag: '' }))).toMatchObject(notFound);
  expect(await failure(users.undeleteUser({ id: '2', etag: '' }))).toMatchObject(notFound);
  const aborted = { code: Status.ABORTED, reason: 'ETAG_MISMATCH' };
  expect(await failure(users.deleteUser({ id: '1', etag: 'old' }))).toMatchObject(aborted);
  expect(await failure(users.undeleteUser({ id: '1', etag: '' }))).toMatchObject({
    code: Status.FAILED_PRECONDITION,
    reason: 'USER_NOT_DELETED',
  });
  expect(await firstValueFrom(users.getUser({ id: '1' }))).toEqual({ user: ada });
  await firstValueFrom(users.deleteUser({ id: '1', etag: '' }));
  expect(await failure(users.deleteUser({ id: '1', etag: '' }))).toMatchObject(notFound);
  expect(await failure(users.undeleteUser({ id: '1', etag: ada.etag }))).toMatchObject(aborted);
});

test('gives the address of a deleted user to another, who keeps it', async () => {
  await using service = await startService();
  await createUser(service.users, { id: '1', email: 'ada@example.com' });
  await firstValueFrom(service.users.deleteUser({ id: '1', etag: '' }));
  await createUser(service.users, { id: '2', email: 'Ada@example.com' });
  expect(await failure(service.users.undeleteUser({ id: '1', etag: '' }))).toMatchObject({
    code: Status.ALREADY_EXISTS,
    reason: 'EMAIL_TAKEN',
  });
});

test('keeps the id of a deleted user taken', async () => {
  await using service = await startService();
  await createUser(service.users, { id: '1' });
  await firstValueFrom(service.users.deleteUser({ id: '1', etag: '' }));
  const error = await failure(service.users.createUser({ user: newUser({ id: '1' }), requestId: '' }));
  expect(error.reason).toBe('USER_ID_TAKEN');
});

test('purges the users whose time has come, and nobody else, from any number of replicas at once', async () => {
  const now = vi.fn<() => number>(() => 1_000_000);
  await using opened = await openStore({ now });
  const { store } = opened;
  const add = (id: number) => store.write(creation(newUser({ id: String(id) }), ''));
  await Promise.all(Array.from({ length: 1200 }, (_, index) => add(index + 1)));
  const remove = (id: number, keepMs: number) => store.write(deletion({ id: String(id), etag: '' }, keepMs));
  await Promise.all(Array.from({ length: 1100 }, (_, index) => remove(index + 1, index < 1000 ? dayMs : 2 * dayMs)));
  now.mockReturnValue(1_000_000 + dayMs - 1);
  await store.maintenance.run();
  expect((await store.find(['1', '1000', '1100', '1200'])).size).toBe(4);
  now.mockReturnValue(1_000_000 + dayMs);
  await expect(store.write(undeletion({ id: '1', etag: '' }))).rejects.toMatchObject({ reason: 'USER_NOT_FOUND' });
  await Promise.all([store.maintenance.run(), store.maintenance.run(), store.maintenance.run()]);
  const ids = Array.from({ length: 1200 }, (_, index) => String(index + 1));
  const left = await store.find(ids);
  expect([...left.keys()].toSorted((a, b) => Number(a) - Number(b))).toEqual(ids.slice(1000));
});
