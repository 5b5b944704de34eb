import { firstValueFrom, from, lastValueFrom, toArray } from 'rxjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask, type Rollcall, send, startRollcall } from './rollcall.ts';

let rollcall: Rollcall;
beforeAll(async () => {
  rollcall = await startRollcall();
}, 30_000);
afterAll(() => rollcall[Symbol.asyncDispose]());

// ADMINISTRATOR 2, GUEST 3, NORMAL 1, DISABLED 4, in the tutorial's own enum.
const sample = [
  { id: 1, nickname: 'admin', userType: 2 },
  { id: 2, nickname: 'guest', userType: 3 },
  { id: 3, nickname: 'foo', userType: 1 },
  { id: 4, nickname: 'troll', userType: 4 },
  { id: 5, nickname: 'Zaru', userType: 1 },
  { id: 6, nickname: 'Saru', userType: 1 },
].map((user) => ({ ...user, mailAddress: `${user.nickname.toLowerCase()}@example.com` }));

it('the six users of the tutorial are the same through every door', async () => {
  for (const user of sample) {
    expect(await firstValueFrom(rollcall.userManager.addUser(user))).toMatchObject({ error: false, user });
  }
  expect(
    await firstValueFrom(rollcall.userManager.addUser({ id: 1, nickname: 'other', mailAddress: '', userType: 1 })),
  ).toMatchObject({
    error: true,
    message: 'already exist',
  });

  // One by one, over REST, gRPC, and the other tutorial's service.
  const typeNames = ['', 'USER_TYPE_NORMAL', 'USER_TYPE_ADMINISTRATOR', 'USER_TYPE_GUEST', 'USER_TYPE_DISABLED'];
  for (const { id, nickname, mailAddress, userType } of sample) {
    const rest = JSON.parse((await ask(rollcall, `/v1/users/${id}`)).text) as Record<string, unknown>;
    expect(rest).toMatchObject({ id: String(id), name: nickname, email: mailAddress, type: typeNames[userType] });
    const { user } = await firstValueFrom(rollcall.users.getUser({ id: String(id) }));
    expect(user).toMatchObject({ id: String(id), name: nickname, email: mailAddress, type: userType });
    expect(
      (
        await firstValueFrom(
          rollcall.tutorialUsers.getUser({ user: { name: '', email: mailAddress.toUpperCase(), age: 0 } }),
        )
      ).user,
    ).toEqual({ name: nickname, email: mailAddress, age: 0 });
  }

  // Counted, looked up, exported.
  const ids = [1, 2, 3, 99, 6, 3];
  expect(await firstValueFrom(rollcall.userManager.countAlreadyUsers(from(ids.map((id) => ({ id })))))).toMatchObject({
    error: false,
    userCnt: 5,
  });
  const counted = await ask(rollcall, '/v1/users:countExisting', {
    verb: 'POST',
    body: ids.map((id) => `{"id":${id}}\n`).join(''),
  });
  expect(JSON.parse(counted.text)).toEqual({ existingCount: '5', requestedCount: '6' });
  const looked = await ask(rollcall, '/v1/users:lookup', {
    verb: 'POST',
    body: JSON.stringify(ids.map((id) => ({ id }))),
  });
  expect(
    looked.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; found: boolean })
      .map(({ id, found }) => [Number(id), found]),
  ).toEqual(ids.map((id) => [id, id !== 99]));
  const byIds = await lastValueFrom(
    rollcall.userManager.getUsersByIds(from(ids.map((id) => ({ id })))).pipe(toArray()),
  );
  expect(byIds.map(({ user }) => user?.id)).toEqual([1, 2, 3, 6, 3]);
  const normal = await lastValueFrom(rollcall.userManager.getUsersByType({ userType: 1 }).pipe(toArray()));
  expect(normal.map(({ user }) => user?.nickname)).toEqual(['foo', 'Zaru', 'Saru']);
  const exported = await ask(rollcall, '/v1/users:export?types=USER_TYPE_NORMAL');
  expect(
    exported.text
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { name: string }).name),
  ).toEqual(['foo', 'Zaru', 'Saru']);
  const batch = JSON.parse((await ask(rollcall, '/v1/users:batchGet?ids=6&ids=99&ids=1')).text) as {
    users: { id: string }[];
    missingIds: string[];
  };
  expect([batch.users.map(({ id }) => id), batch.missingIds]).toEqual([['6', '1'], ['99']]);
});

it('a user that REST creates is there for the tutorial clients', async () => {
  const { status, json } = await send(rollcall, 'POST', '/v1/users', {
    name: 'Ada',
    email: 'Ada@Example.com',
    age: 36,
  });
  expect([status, json['id'], json['type']]).toEqual([201, '7', 'USER_TYPE_NORMAL']);
  expect(await firstValueFrom(rollcall.userManager.getUser({ id: 7 }))).toEqual({
    error: false,
    message: '',
    user: { id: 7, nickname: 'Ada', mailAddress: 'Ada@Example.com', userType: 1 },
  });
  expect(
    (await firstValueFrom(rollcall.tutorialUsers.getUser({ user: { name: 'Ada', email: '', age: 0 } }))).user?.age,
  ).toBe(36);
});
