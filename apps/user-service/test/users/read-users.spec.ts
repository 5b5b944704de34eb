import { status as Status } from '@grpc/grpc-js';
import { concat, firstValueFrom, from, of, Subject, throwError } from 'rxjs';
import { expect, test } from 'vitest';
import { all, createUser, failure, newUser, startService } from '../service.ts';

test('answers USER_NOT_FOUND for an id that no user has', async () => {
  await using service = await startService();
  const error = await failure(service.users.getUser({ id: '9223372036854775807' }));
  expect(error).toMatchObject({ code: Status.NOT_FOUND, reason: 'USER_NOT_FOUND' });
});

test('answers INVALID_ARGUMENT for the id 0', async () => {
  await using service = await startService();
  const error = await failure(service.users.getUser({ id: '0' }));
  expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT, reason: 'INVALID_FIELD' });
});

test('gets a batch in the order of the ids, each once, and the missing ids apart', async () => {
  await using service = await startService();
  for (const id of ['1', '2', '9007199254740993']) await createUser(service.users, { id });
  const ids = ['9007199254740993', '8', '2', '9007199254740993', '7', '8'];
  const { users, missingIds } = await firstValueFrom(service.users.batchGetUsers({ ids }));
  expect(users.map(({ id }) => id)).toEqual(['9007199254740993', '2']);
  expect(missingIds).toEqual(['8', '7']);
});

test('gets a batch of 1000, and answers INVALID_ARGUMENT for none, for more, and for a wrong one', async () => {
  await using service = await startService();
  const ids = Array.from({ length: 1000 }, (_, index) => String(index + 1));
  expect((await firstValueFrom(service.users.batchGetUsers({ ids }))).missingIds).toHaveLength(1000);
  for (const wrong of [[], [...ids, '1001'], ['1', '0']]) {
    expect(await failure(service.users.batchGetUsers({ ids: wrong }))).toMatchObject({ code: Status.INVALID_ARGUMENT });
  }
});

test('counts the ids that users have, one that is sent twice twice', async () => {
  await using service = await startService();
  for (const id of ['1', '2', '3']) await createUser(service.users, { id });
  const requests = from(['1', '2', '2', '9', '3'].map((id) => ({ id })));
  expect(await firstValueFrom(service.users.countExistingUsers(requests))).toEqual({
    existingCount: '4',
    requestedCount: '5',
  });
});

test('counts nothing when nothing is sent', async () => {
  await using service = await startService();
  expect(await firstValueFrom(service.users.countExistingUsers(from([])))).toEqual({
    existingCount: '0',
    requestedCount: '0',
  });
});

test('counts ten thousand ids', async () => {
  await using service = await startService();
  await createUser(service.users, { id: '5000' });
  const requests = from(Array.from({ length: 10_000 }, (_, index) => ({ id: String(index + 1) })));
  expect(await firstValueFrom(service.users.countExistingUsers(requests))).toEqual({
    existingCount: '1',
    requestedCount: '10000',
  });
});

test('answers INVALID_ARGUMENT as soon as an id to count is wrong', async () => {
  await using service = await startService();
  const endless = concat(of({ id: '1' }, { id: '0' }), new Subject<never>());
  expect(await failure(service.users.countExistingUsers(endless))).toMatchObject({ code: Status.INVALID_ARGUMENT });
});

test('ends a count whose ids break off, and goes on serving', async () => {
  await using service = await startService();
  const broken = concat(
    of({ id: '1' }),
    throwError(() => new Error('broken')),
  );
  expect(await failure(service.users.countExistingUsers(broken))).toMatchObject({ code: Status.CANCELLED });
  expect((await createUser(service.users, {})).id).toBe('1');
});

test('answers a deleted user to who asks for it by id, and to nobody else', async () => {
  await using service = await startService();
  await createUser(service.users, { id: '1', name: 'Ada', email: 'ada@example.com' });
  const { user: found } = await firstValueFrom(service.users.deleteUser({ id: '1', etag: '' }));
  expect(found?.deleteTime).not.toBeNull();
  expect(await firstValueFrom(service.users.getUser({ id: '1' }))).toEqual({ user: found });
  expect((await firstValueFrom(service.users.batchGetUsers({ ids: ['1'] }))).users).toEqual([found]);
  expect(await all(service.users.lookupUsers(of({ id: '1' })))).toEqual([
    { results: [{ id: '1', found: true, user: found }] },
  ]);

  expect((await firstValueFrom(service.users.countExistingUsers(of({ id: '1' })))).existingCount).toBe('0');
  expect(await all(service.users.exportUsers({ types: [], afterId: '0', filter: '' }))).toMatchObject([{ users: [] }]);
  expect((await firstValueFrom(service.manager.getUser({ id: 1 }))).message).toBe('not found');
  const asked = { user: { name: '', email: 'ada@example.com', age: 0 } };
  expect(await failure(service.tutorial.getUser(asked))).toMatchObject({ code: Status.NOT_FOUND });

  const taken = await failure(service.users.createUser({ user: newUser({ id: '1' }), requestId: '' }));
  expect(taken.reason).toBe('USER_ID_TAKEN');
  expect((await createUser(service.users, { email: 'ADA@example.com' })).id).toBe('2');
});
