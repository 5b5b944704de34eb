import { status as Status } from '@grpc/grpc-js';
import { user } from '@rollcall/proto';
import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';
import { createUser, failure, newUser, startService } from '../service.ts';

type Service = Awaited<ReturnType<typeof startService>>;

async function update(service: Service, fields: Partial<user.User>, updateMask: string[] | null): Promise<user.User> {
  const { user: updated } = await firstValueFrom(
    service.users.updateUser({ user: newUser({ name: '', ...fields }), updateMask }),
  );
  if (updated === null) throw new Error('no user was answered');
  return updated;
}

const refusal = (service: Service, fields: Partial<user.User>, updateMask: string[] | null) =>
  failure(service.users.updateUser({ user: newUser({ name: '', ...fields }), updateMask }));

const ada = { id: '1', name: 'Ada', email: 'ada@example.com', age: 36 };

test('changes the fields of the mask, and no others', async () => {
  await using service = await startService();
  const before = await createUser(service.users, ada);
  const after = await update(service, { id: '1', name: 'Grace', email: 'other@example.com', age: 1 }, ['name']);
  expect(after).toEqual({ ...before, name: 'Grace', updateTime: after.updateTime, etag: after.etag });
  expect(after.etag).not.toBe(before.etag);
  expect(await firstValueFrom(service.users.getUser({ id: '1' }))).toEqual({ user: after });
});

test('changes all that is set without a mask, and clears what the mask names', async () => {
  await using service = await startService();
  await createUser(service.users, ada);
  expect(await update(service, { id: '1', age: 0 }, null)).toMatchObject({ name: 'Ada', age: 0 });
  const cleared = await update(service, { id: '1' }, ['email', 'age', 'type']);
  expect(cleared).toMatchObject({ name: 'Ada', email: '', type: user.UserType.USER_TYPE_NORMAL });
  expect(cleared.age).toBeUndefined();
  expect(await update(service, { id: '1', name: 'Eve' }, ['*'])).toMatchObject({ name: 'Eve', email: '' });
});

test('makes no new version when nothing changes', async () => {
  await using service = await startService();
  const before = await createUser(service.users, ada);
  expect(await update(service, ada, ['name', 'email', 'age'])).toEqual(before);
  expect(await update(service, { id: '1' }, [])).toEqual(before);
});

test('tells every version apart, however fast they follow one another', async () => {
  await using service = await startService();
  await createUser(service.users, ada);
  const versions = await Promise.all(
    Array.from({ length: 20 }, (_, index) => update(service, { id: '1', age: index }, ['age'])),
  );
  expect(new Set(versions.map(({ etag }) => etag)).size).toBe(20);
});

test('takes the current etag, and answers ABORTED for another', async () => {
  await using service = await startService();
  const first = await createUser(service.users, ada);
  const second = await update(service, { id: '1', name: 'Grace', etag: first.etag }, ['name']);
  const error = await refusal(service, { id: '1', name: 'Eve', etag: first.etag }, ['name']);
  expect(error).toMatchObject({ code: Status.ABORTED, reason: 'ETAG_MISMATCH' });
  expect(error.details.metadata).toMatchObject({ etag: second.etag });
  for (const etag of ['x'.repeat(64), 'x'.repeat(65)])
    expect((await refusal(service, { id: '1', name: 'Eve', etag }, ['name'])).reason).toBe('ETAG_MISMATCH');
  expect(await firstValueFrom(service.users.getUser({ id: '1' }))).toEqual({ user: second });
});

test('lets one of two that changed the same version through', async () => {
  await using service = await startService();
  const { etag } = await createUser(service.users, ada);
  const outcomes = await Promise.allSettled([1, 2].map((age) => update(service, { id: '1', age, etag }, ['age'])));
  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
});

test('answers NOT_FOUND for a user that is not there, or deleted', async () => {
  await using service = await startService();
  await createUser(service.users, ada);
  await firstValueFrom(service.users.deleteUser({ id: '1', etag: '' }));
  for (const id of ['1', '2'])
    expect(await refusal(service, { id, name: 'Eve' }, ['name'])).toMatchObject({
      code: Status.NOT_FOUND,
      reason: 'USER_NOT_FOUND',
    });
});

test('answers EMAIL_TAKEN when a live user has the address, whatever its case', async () => {
  await using service = await startService();
  await createUser(service.users, ada);
  await createUser(service.users, { id: '2', email: 'grace@example.com' });
  const error = await refusal(service, { id: '2', email: 'ADA@example.com' }, ['email']);
  expect(error).toMatchObject({ code: Status.ALREADY_EXISTS, reason: 'EMAIL_TAKEN' });
  expect(await update(service, { id: '1', email: 'ADA@EXAMPLE.COM' }, ['email'])).toMatchObject({
    email: 'ADA@EXAMPLE.COM',
  });
});

test('lets users pass an address on to each other at the same time', async () => {
  await using service = await startService();
  for (const id of ['1', '2', '3']) await createUser(service.users, { id, email: `${id}@example.com` });
  await Promise.all([
    update(service, { id: '1', email: 'x@example.com' }, ['email']),
    update(service, { id: '2', email: '1@example.com' }, ['email']),
    update(service, { id: '3', email: '2@example.com' }, ['email']),
    update(service, { id: '1', email: '3@example.com' }, ['email']),
  ]);
  const { users } = await firstValueFrom(service.users.batchGetUsers({ ids: ['1', '2', '3'] }));
  expect(users.map(({ email }) => email)).toEqual(['3@example.com', '1@example.com', '2@example.com']);
});

test('answers INVALID_ARGUMENT naming each wrong field, of those in the mask', async () => {
  await using service = await startService();
  await createUser(service.users, ada);
  const wrong = { id: '1', name: '', email: 'no address', age: 151 };
  const error = await refusal(service, wrong, ['name', 'age']);
  expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT, reason: 'INVALID_FIELD' });
  expect(error.details.violations?.map(({ field }) => field).toSorted()).toEqual(['user.age', 'user.name']);
  for (const [fields, mask, field] of [
    [{ id: '0' }, ['name'], 'user.id'],
    [{ id: '9223372036854775808', name: 'Eve' }, ['name'], 'user.id'],
    [{ id: '1' }, ['height'], 'update_mask'],
    [{ id: '1' }, ['id', 'height'], 'update_mask'],
  ] as const)
    expect((await refusal(service, fields, [...mask])).details.violations?.[0]?.field).toBe(field);
  expect(
    (await failure(service.users.updateUser({ user: null, updateMask: null }))).details.violations?.[0]?.field,
  ).toBe('user');
});

test('takes the user as it was got, with the id and what the service sets in the mask, and changes the rest', async () => {
  await using service = await startService();
  const got = await createUser(service.users, ada);
  const mask = ['id', 'name', 'email', 'age', 'type', 'create_time', 'update_time', 'etag'];
  expect(await update(service, got, mask)).toEqual(got);
  expect(await update(service, { ...got, age: 37 }, mask)).toMatchObject({ id: got.id, name: got.name, age: 37 });
});

test('takes an empty mask as none', async () => {
  await using service = await startService();
  const { id } = await createUser(service.users, ada);
  expect(await update(service, { id, name: 'Eve' }, [])).toMatchObject({ name: 'Eve', email: ada.email });
});
