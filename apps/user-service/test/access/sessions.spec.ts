import { status as Status } from '@grpc/grpc-js';
import { firstValueFrom } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { failure } from '../service.ts';
import { administrator, by, createUserAs, secretOf, sessionOf, startWithSignIn, tokenOf } from './signed-in.ts';

describe('the sessions of a user', () => {
  test('are listed with what is known of them, and ended one by one', async () => {
    await using service = await startWithSignIn();
    const admin = await administrator(service);
    const bob = await createUserAs(service, admin, { name: 'Bob' });
    const first = await sessionOf(service, admin, bob.id);
    const { link } = await firstValueFrom(service.access.createInvitation({ userId: bob.id, validDays: 0 }, by(admin)));
    const { secret: second } = await firstValueFrom(
      service.access.createSession({ secret: secretOf(link), agent: 'Firefox on Linux' }),
    );
    const list = async (credential: string) =>
      (await firstValueFrom(service.access.listSessions({ userId: bob.id }, by(credential)))).sessions;
    const listed = await list(second);
    expect(listed.toSorted((a, b) => Number(b.current) - Number(a.current))).toMatchObject([
      { madeBy: 'link', agent: 'Firefox on Linux', current: true },
      { madeBy: 'link', agent: '', current: false },
    ]);
    expect(
      listed.every(({ createTime, expireTime }) => Number(expireTime?.seconds) > Number(createTime?.seconds)),
    ).toBe(true);
    expect(JSON.stringify(listed)).not.toMatch(/rcs_/);
    expect((await list(admin)).map(({ current }) => current)).toEqual([false, false]);

    const name = listed.find(({ current }) => !current)?.name ?? '';
    await firstValueFrom(service.access.revokeSession({ userId: bob.id, name }, by(second)));
    expect(await failure(service.access.revokeSession({ userId: bob.id, name }, by(second)))).toMatchObject({
      code: Status.NOT_FOUND,
      reason: 'SESSION_NOT_FOUND',
    });
    expect((await failure(service.users.getUser({ id: '1' }, by(first)))).reason).toBe('CREDENTIAL_INVALID');
    expect(await list(second)).toHaveLength(1);
    const eve = await createUserAs(service, admin, { name: 'Eve' });
    const other = await sessionOf(service, admin, eve.id);
    for (const refused of [
      service.access.listSessions({ userId: bob.id }, by(other)),
      service.access.revokeSession({ userId: bob.id, name }, by(other)),
    ])
      expect((await failure(refused)).reason).toBe('NOT_PERMITTED');
  });

  test('and its tokens say when they were last used', async () => {
    await using service = await startWithSignIn();
    const admin = await administrator(service);
    const token = await tokenOf(service, admin, '1');
    const read = async () => {
      const { tokens } = await firstValueFrom(service.access.listTokens({ userId: '1' }, by(admin)));
      const { sessions } = await firstValueFrom(service.access.listSessions({ userId: '1' }, by(admin)));
      return [tokens[0]?.lastUseTime, sessions[0]?.lastUseTime];
    };
    expect((await read())[0]).toBeNull();
    const before = Math.floor(Date.now() / 1000);
    await firstValueFrom(service.users.getUser({ id: '1' }, by(token)));
    await expect.poll(read).toEqual([
      { seconds: expect.any(String) as unknown, nanos: expect.any(Number) as unknown },
      { seconds: expect.any(String) as unknown, nanos: expect.any(Number) as unknown },
    ]);
    for (const time of await read()) expect(Number(time?.seconds)).toBeGreaterThanOrEqual(before - 1);
  });

  test('are a hundred at the most: signing in ends the oldest', async () => {
    await using service = await startWithSignIn();
    const admin = await administrator(service);
    const bob = await createUserAs(service, admin, { name: 'Bob' });
    const first = await sessionOf(service, admin, bob.id);
    await service.store.credentials.change(async (change) => {
      for (let count = 0; count < 99; count += 1)
        await change.make('session', { userId: BigInt(bob.id), validMs: 1e9 + count, madeBy: 'link' });
    });
    await firstValueFrom(service.users.getUser({ id: '1' }, by(first)));
    const last = await sessionOf(service, admin, bob.id);
    const { sessions } = await firstValueFrom(service.access.listSessions({ userId: bob.id }, by(last)));
    expect(sessions).toHaveLength(100);
    await expect
      .poll(() => failure(service.users.getUser({ id: '1' }, by(first))).catch(() => undefined), { timeout: 2000 })
      .toMatchObject({ reason: 'CREDENTIAL_INVALID' });
  });
});

test('signing in again ends the session that comes with it, and no other', async () => {
  await using service = await startWithSignIn();
  const admin = await administrator(service);
  const bob = await createUserAs(service, admin, { name: 'Bob' });
  const [replaced, kept, token] = [
    await sessionOf(service, admin, bob.id),
    await sessionOf(service, admin, bob.id),
    await tokenOf(service, admin, bob.id),
  ];
  const signIn = async (replacedSecret: string) => {
    const { link } = await firstValueFrom(service.access.createInvitation({ userId: bob.id, validDays: 0 }, by(admin)));
    return firstValueFrom(service.access.createSession({ secret: secretOf(link), replacedSecret }));
  };
  for (const secret of [replaced, token, 'no secret', '']) await signIn(secret);
  expect((await failure(service.users.getUser({ id: '1' }, by(replaced)))).reason).toBe('CREDENTIAL_INVALID');
  await firstValueFrom(service.users.getUser({ id: '1' }, by(kept)));
  await firstValueFrom(service.users.getUser({ id: '1' }, by(token)));
  const failed = await failure(service.access.createSession({ secret: `rcl_${'a'.repeat(43)}`, replacedSecret: kept }));
  expect(failed.reason).toBe('LINK_INVALID');
  await firstValueFrom(service.users.getUser({ id: '1' }, by(kept)));
});

test('what a deleted user signed in by stays dead when the user is brought back', async () => {
  await using service = await startWithSignIn();
  const admin = await administrator(service);
  const bob = await createUserAs(service, admin, { name: 'Bob' });
  const [token, session] = [await tokenOf(service, admin, bob.id), await sessionOf(service, admin, bob.id)];
  const { link } = await firstValueFrom(service.access.createInvitation({ userId: bob.id, validDays: 0 }, by(admin)));
  await firstValueFrom(service.users.deleteUser({ id: bob.id, etag: '' }, by(admin)));
  await firstValueFrom(service.users.undeleteUser({ id: bob.id, etag: '' }, by(admin)));
  for (const secret of [token, session])
    expect((await failure(service.users.getUser({ id: '1' }, by(secret)))).reason).toBe('CREDENTIAL_INVALID');
  expect((await failure(service.access.createSession({ secret: secretOf(link) }))).reason).toBe('LINK_INVALID');
  await firstValueFrom(service.users.getUser({ id: bob.id }, by(await tokenOf(service, admin, bob.id, 'new'))));
});

test('a link for the administrator is printed when it is asked for, also while one is signed in', async () => {
  await using service = await startWithSignIn({ administratorLink: true });
  await administrator(service);
  const again = await firstValueFrom(service.access.createSession({ secret: secretOf(await service.firstLink()) }));
  expect(again.user?.name).toBe('Administrator');
});
