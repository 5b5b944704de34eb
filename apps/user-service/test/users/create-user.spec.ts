import { status as Status } from '@grpc/grpc-js';
import { user } from '@rollcall/proto';
import { firstValueFrom } from 'rxjs';
import { expect, test, vi } from 'vitest';
import { createUser as creation } from '../../src/users/create-user.ts';
import { all, createUser, failure, makeDatabase, newUser, openStore, startService } from '../service.ts';
import { administrator, by, createUserAs, sessionOf, startWithSignIn } from '../access/signed-in.ts';

test('answers the user as stored, with its id, type, times and etag', async () => {
  await using service = await startService();
  const before = Date.now();
  const created = await createUser(service.users, { name: 'Grace', email: 'grace@example.com', age: 45 });
  expect(created).toMatchObject({
    id: '1',
    name: 'Grace',
    email: 'grace@example.com',
    age: 45,
    type: user.UserType.USER_TYPE_NORMAL,
  });
  expect(Number(created.createTime?.seconds)).toBeGreaterThanOrEqual(Math.floor(before / 1000));
  expect(created.updateTime).toEqual(created.createTime);
  expect(created.deleteTime).toBeNull();
  expect(created.etag).not.toBe('');
  expect(await firstValueFrom(service.users.getUser({ id: '1' }))).toEqual({ user: created });
});

test('tells an age of 0 from one that is not known', async () => {
  await using service = await startService();
  expect((await createUser(service.users, { age: 0 })).age).toBe(0);
  expect((await createUser(service.users, {})).age).toBeUndefined();
});

test('ignores what the service sets itself', async () => {
  await using service = await startService();
  const time = { seconds: '1', nanos: 0 };
  const created = await createUser(service.users, {
    createTime: time,
    updateTime: time,
    deleteTime: time,
    purgeTime: time,
    etag: 'mine',
  });
  expect(created.createTime).not.toEqual(time);
  expect(created.etag).not.toBe('mine');
  expect(created.deleteTime).toBeNull();
});

test('keeps every digit of an id above 2^53', async () => {
  await using service = await startService();
  for (const id of ['9007199254740993', '9223372036854775807']) {
    expect((await createUser(service.users, { id })).id).toBe(id);
    expect((await firstValueFrom(service.users.getUser({ id }))).user?.id).toBe(id);
  }
  expect((await createUser(service.users, {})).id).toBe('1');
});

test('gives small ids, and passes over those that callers chose', async () => {
  await using service = await startService();
  for (const id of ['1', '2', '4']) await createUser(service.users, { id });
  const given = await Promise.all(Array.from({ length: 4 }, () => createUser(service.users, {})));
  expect(given.map(({ id }) => id).toSorted()).toEqual(['3', '5', '6', '7']);
});

test('gives an id that was not used after all to the next user', async () => {
  await using service = await startService();
  await createUser(service.users, { email: 'a@example.com' });
  await failure(service.users.createUser({ user: newUser({ email: 'a@example.com' }), requestId: '' }));
  expect((await createUser(service.users, {})).id).toBe('2');
});

test('answers USER_ID_TAKEN when another user has the id', async () => {
  await using service = await startService();
  await createUser(service.users, { id: '7' });
  const error = await failure(service.users.createUser({ user: newUser({ id: '7' }), requestId: '' }));
  expect(error).toMatchObject({ code: Status.ALREADY_EXISTS, reason: 'USER_ID_TAKEN' });
});

test('answers EMAIL_TAKEN when another user has the address, whatever its case or composition', async () => {
  await using service = await startService();
  await createUser(service.users, { email: 'Zoe@Example.com' });
  const error = await failure(service.users.createUser({ user: newUser({ email: 'zoe@eXample.COM' }), requestId: '' }));
  expect(error).toMatchObject({ code: Status.ALREADY_EXISTS, reason: 'EMAIL_TAKEN' });
});

test('lets any number of users have no address', async () => {
  await using service = await startService();
  for (const id of ['1', '2', '3']) expect(await createUser(service.users, {})).toMatchObject({ id, email: '' });
});

test('answers INVALID_ARGUMENT with every wrong field, and stores nothing', async () => {
  await using service = await startService();
  const wrong = newUser({
    id: '9223372036854775808',
    name: '',
    email: 'no address',
    age: 151,
    type: 9 as user.UserType,
  });
  const error = await failure(service.users.createUser({ user: wrong, requestId: 'a b' }));
  expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT, reason: 'INVALID_FIELD' });
  expect(error.details.violations?.map(({ field }) => field).toSorted()).toEqual([
    'request_id',
    'user.age',
    'user.email',
    'user.id',
    'user.name',
    'user.type',
  ]);
  expect(await all(service.users.exportUsers({ types: [], afterId: '0', filter: '' }))).toMatchObject([{ users: [] }]);
});

test('fails alone in a group of creates that share a commit', async () => {
  await using service = await startService();
  const ids = ['1', '2', '2', '3'];
  const outcomes = await Promise.allSettled(ids.map((id) => createUser(service.users, { id })));
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  expect((await firstValueFrom(service.users.batchGetUsers({ ids: ['1', '2', '3'] }))).missingIds).toEqual([]);
});

test('gives the same request with the same request id its first answer', async () => {
  await using service = await startService();
  const answers = await Promise.all([1, 2, 3].map(() => createUser(service.users, { email: 'a@example.com' }, 'key')));
  expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
  expect(await createUser(service.users, { email: 'a@example.com' }, 'key')).toEqual(answers[0]);
});

test('answers REQUEST_ID_REUSED when the request id came with another request', async () => {
  await using service = await startService();
  await createUser(service.users, { name: 'Ada' }, 'key');
  const error = await failure(service.users.createUser({ user: newUser({ name: 'Eve' }), requestId: 'key' }));
  expect(error).toMatchObject({ code: Status.ALREADY_EXISTS, reason: 'REQUEST_ID_REUSED' });
});

test('frees the request id of a request that failed', async () => {
  await using service = await startService();
  await createUser(service.users, { id: '5' });
  await failure(service.users.createUser({ user: newUser({ id: '5' }), requestId: 'key' }));
  expect((await createUser(service.users, { id: '6' }, 'key')).id).toBe('6');
});

test('knows request ids after a restart', async () => {
  await using database = await makeDatabase();
  let first: user.User;
  {
    await using service = await startService(database);
    first = await createUser(service.users, { age: 3 }, 'key');
  }
  await using service = await startService(database);
  expect(await createUser(service.users, { age: 3 }, 'key')).toEqual(first);
  const error = await failure(service.users.createUser({ user: newUser({ age: 4 }), requestId: 'key' }));
  expect(error.reason).toBe('REQUEST_ID_REUSED');
});

test('forgets request ids after a day', async () => {
  const now = vi.fn<() => number>(() => 1_000_000);
  await using opened = await openStore({ now });
  const create = (name: string) => opened.store.write(creation(newUser({ name }), 'key'));
  const day = 24 * 60 * 60 * 1000;
  const first = await create('Ada');
  now.mockReturnValue(1_000_000 + day - 1);
  expect(await create('Ada')).toEqual(first);
  now.mockReturnValue(1_000_000 + day);
  expect(await create('Ada')).toMatchObject({ id: '2' });
  await expect(create('Eve')).rejects.toMatchObject({ reason: 'REQUEST_ID_REUSED' });
});

test('a request id belongs to its caller: that of another has an answer of its own, or a failure of its own', async () => {
  await using service = await startWithSignIn();
  const first = await administrator(service);
  const eve = await createUserAs(service, first, { name: 'Eve', type: user.UserType.USER_TYPE_ADMINISTRATOR });
  const second = await sessionOf(service, first, eve.id);
  const create = async (name: string, credential: string) =>
    (await firstValueFrom(service.users.createUser({ user: newUser({ name }), requestId: '1' }, by(credential)))).user
      ?.id;
  const id = await create('same', first);
  expect(await create('same', first)).toBe(id);
  const other = await create('same', second);
  expect(other).not.toBe(id);
  // Whoever has another session is the same caller.
  expect(await create('same', await sessionOf(service, first, eve.id))).toBe(other);
  expect(
    (await failure(service.users.createUser({ user: newUser({ name: 'other' }), requestId: '1' }, by(first)))).reason,
  ).toBe('REQUEST_ID_REUSED');
});
