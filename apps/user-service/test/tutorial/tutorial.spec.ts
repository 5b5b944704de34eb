import { status as Status } from '@grpc/grpc-js';
import { toAsyncIterable } from '@rollcall/grpc';
import { tutorialUserManager, user, type userService } from '@rollcall/proto';
import { firstValueFrom, from, Subject } from 'rxjs';
import { expect, test } from 'vitest';
import { all, createUser, failure, sampleUsers, startService } from '../service.ts';

const { User_UserType: UserType } = tutorialUserManager;

/** Starts a service with the tutorial's six users, added through the tutorial's contract. */
async function startWithSample() {
  const service = await startService();
  for (const sample of sampleUsers) {
    expect(await firstValueFrom(service.manager.addUser(sample))).toEqual({ error: false, message: '', user: sample });
  }
  return service;
}

test('shows users of UserManager over v1 and over UserService', async () => {
  await using service = await startWithSample();
  const exported = (await all(service.users.exportUsers({ types: [], afterId: '0', filter: '' }))).flatMap(
    ({ users }) => users,
  );
  expect(exported.map(({ id, name, email, type }) => [id, name, email, type])).toEqual(
    sampleUsers.map(({ id, nickname, mailAddress, userType }) => [String(id), nickname, mailAddress, userType]),
  );
  expect(
    (await firstValueFrom(service.users.countExistingUsers(from(['1', '6', '7'].map((id) => ({ id })))))).existingCount,
  ).toBe('2');
  for (const { nickname, mailAddress } of sampleUsers) {
    const expected = { user: { name: nickname, email: mailAddress, age: 0 } };
    expect(
      await firstValueFrom(service.tutorial.getUser({ user: { name: '', email: mailAddress.toUpperCase(), age: 0 } })),
    ).toEqual(expected);
    expect(await firstValueFrom(service.tutorial.getUser({ user: { name: nickname, email: '', age: 0 } }))).toEqual(
      expected,
    );
  }
});

test('UserManager gets a user, and answers "not found" for an unknown id', async () => {
  await using service = await startWithSample();
  expect(await firstValueFrom(service.manager.getUser({ id: 5 }))).toEqual({
    error: false,
    message: '',
    user: sampleUsers[4],
  });
  for (const id of [0, 7, 0xffff_ffff]) {
    expect(await firstValueFrom(service.manager.getUser({ id }))).toEqual({
      error: true,
      message: 'not found',
      user: null,
    });
  }
});

test('UserManager answers "already exist" for a taken id, and says when the address is taken', async () => {
  await using service = await startWithSample();
  const admin = { id: 1, nickname: 'other', mailAddress: 'ADMIN@example.com', userType: UserType.NORMAL };
  expect(await firstValueFrom(service.manager.addUser(admin))).toEqual({
    error: true,
    message: 'already exist',
    user: null,
  });
  expect(await firstValueFrom(service.manager.addUser({ ...admin, id: 7 }))).toEqual({
    error: true,
    message: 'mail address already in use',
    user: null,
  });
});

test('UserManager holds to the rules of v1, and says what is wrong', async () => {
  await using service = await startService();
  const wrong = { id: 1, nickname: '', mailAddress: 'no address', userType: 9 };
  const { error, message } = await firstValueFrom(service.manager.addUser(wrong));
  expect(error).toBe(true);
  expect(message).toMatch(/^user\.name: .+ \(and 2 more\)$/);
  expect(await firstValueFrom(service.manager.getUser({ id: 1 }))).toMatchObject({ error: true });
});

test('UserManager takes a user without a type as NORMAL, and gives an id to one without', async () => {
  await using service = await startWithSample();
  const added = await firstValueFrom(
    service.manager.addUser({ id: 0, nickname: 'new', mailAddress: '', userType: UserType.NONE }),
  );
  expect(added.user).toEqual({ id: 7, nickname: 'new', mailAddress: '', userType: UserType.NORMAL });
});

test('UserManager counts the ids that users have', async () => {
  await using service = await startWithSample();
  const ids = from([1, 3, 3, 0, 99].map((id) => ({ id })));
  expect(await firstValueFrom(service.manager.countAlreadyUsers(ids))).toEqual({ error: false, userCnt: 3 });
});

test('UserManager streams the users of a type by id, without those whose id it cannot write', async () => {
  await using service = await startWithSample();
  for (const id of ['4294967295', '4294967296', '4294967299']) {
    await createUser(service.users, { id, type: user.UserType.USER_TYPE_NORMAL });
  }
  const normal = await all(
    service.manager.getUsersByType({ userType: tutorialUserManager.UserTypeRequest_UserType.NORMAL }),
  );
  expect(normal.map((answer) => answer.user?.id)).toEqual([3, 5, 6, 4294967295]);
  expect(normal.every(({ error }) => !error)).toBe(true);
  expect(
    await all(service.manager.getUsersByType({ userType: tutorialUserManager.UserTypeRequest_UserType.NONE })),
  ).toEqual([]);
});

test('UserManager answers each id as it arrives, and gives no answer for an unknown one', async () => {
  await using service = await startWithSample();
  const asked = new Subject<tutorialUserManager.UserRequest>();
  const answers = toAsyncIterable(service.manager.getUsersByIds(asked));
  for (const [index, id] of [6, 1].entries()) {
    const answer = answers.next();
    asked.next({ id: 40 + index });
    asked.next({ id });
    expect((await answer).value).toEqual({ error: false, message: '', user: sampleUsers[id - 1] });
  }
  asked.complete();
  expect((await answers.next()).done).toBe(true);
});

test('UserService creates a user that v1 shows, with an age of 0 as not known', async () => {
  await using service = await startService();
  const ada = { name: 'Ada', email: 'ada@example.com', age: 36 };
  const eve = { name: 'Eve', email: '', age: 0 };
  expect(await firstValueFrom(service.tutorial.createUser({ user: ada }))).toEqual({ user: ada });
  expect(await firstValueFrom(service.tutorial.createUser({ user: eve }))).toEqual({ user: eve });
  const { users } = await firstValueFrom(service.users.batchGetUsers({ ids: ['1', '2'] }));
  expect(users.map(({ name, age }: userService.GetUserResponse['user'] & object) => [name, age])).toEqual([
    ['Ada', 36],
    ['Eve', undefined],
  ]);
});

test('UserService finds the first of several users with a name', async () => {
  await using service = await startService();
  await createUser(service.users, { id: '9', name: 'Ada', age: 9 });
  await createUser(service.users, { id: '3', name: 'Ada', age: 3 });
  expect((await firstValueFrom(service.tutorial.getUser({ user: { name: 'Ada', email: '', age: 0 } }))).user?.age).toBe(
    3,
  );
});

test('UserService answers NOT_FOUND, ALREADY_EXISTS and INVALID_ARGUMENT', async () => {
  await using service = await startService();
  const ada = { name: 'Ada', email: 'ada@example.com', age: 0 };
  expect(await failure(service.tutorial.getUser({ user: ada }))).toMatchObject({
    code: Status.NOT_FOUND,
    reason: 'USER_NOT_FOUND',
  });
  expect(await failure(service.tutorial.getUser({ user: null }))).toMatchObject({ code: Status.INVALID_ARGUMENT });
  await firstValueFrom(service.tutorial.createUser({ user: ada }));
  expect(await failure(service.tutorial.createUser({ user: ada }))).toMatchObject({
    code: Status.ALREADY_EXISTS,
    reason: 'EMAIL_TAKEN',
  });
  for (const wrong of [null, { ...ada, name: '' }, { ...ada, age: -1 }]) {
    expect(await failure(service.tutorial.createUser({ user: wrong }))).toMatchObject({
      code: Status.INVALID_ARGUMENT,
    });
  }
});
