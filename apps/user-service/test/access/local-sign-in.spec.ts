import { status as Status } from '@grpc/grpc-js';
import { user, userService } from '@rollcall/proto';
import { firstValueFrom, NEVER, tap } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { failure, makeDatabase, newUser } from '../service.ts';
import { administrator, by, createUserAs, secretOf, sessionOf, startWithSignIn, tokenOf } from './signed-in.ts';

const { USER_TYPE_ADMINISTRATOR, USER_TYPE_DISABLED, USER_TYPE_GUEST, USER_TYPE_NORMAL } = user.UserType;
const watching: userService.WatchUsersRequest = { snapshot: true, filter: '', resumeToken: '' };

describe('the first link', () => {
  test('signs the administrator in, once', async () => {
    await using service = await startWithSignIn();
    const link = await service.firstLink();
    expect(link).toMatch(/^http:\/\/localhost:3000\/sign-in#rcl_[\w-]{43}$/);
    const session = await firstValueFrom(service.access.createSession({ secret: secretOf(link) }));
    expect(session.user).toMatchObject({ name: 'Administrator', type: USER_TYPE_ADMINISTRATOR });

    const caller = await firstValueFrom(service.access.getCaller({}, by(session.secret)));
    expect(caller.user?.id).toBe(session.user?.id);
    expect(caller.protectedMode).toBe(false);
    expect(caller.expireTime).toEqual(session.expireTime);
    expect(caller.permittedMethods).toContain('rollcall.user.v1.UserService.CreateUser');
    expect((await failure(service.access.createSession({ secret: secretOf(link) }))).reason).toBe('LINK_INVALID');
  });

  test('is made at every start until an administrator has signed in, and for the one who is there', async () => {
    await using service = await startWithSignIn();
    const links = [await service.firstLink(), await service.firstLink()];
    const { secret, user: first } = await firstValueFrom(service.access.createSession({ secret: secretOf(links[1]) }));
    expect(await service.firstLink()).toBeUndefined();
    expect((await failure(service.access.createSession({ secret: secretOf(links[0]) }))).reason).toBe('LINK_INVALID');
    await firstValueFrom(service.access.deleteSession({}, by(secret)));
    const again = await firstValueFrom(service.access.createSession({ secret: secretOf(await service.firstLink()) }));
    expect(again.user?.id).toBe(first?.id);
  });

  test('is for one administrator, however many replicas start at once', async () => {
    await using service = await startWithSignIn();
    const links = await Promise.all([service.firstLink(), service.firstLink(), service.firstLink()]);
    const secret = await firstValueFrom(service.access.createSession({ secret: secretOf(links[0]) }));
    const listed = await firstValueFrom(
      service.users.listUsers({ ...emptyList, filter: 'type = ADMINISTRATOR' }, by(secret.secret)),
    );
    expect(listed.users).toHaveLength(1);
  });
});

const emptyList: userService.ListUsersRequest = {
  pageSize: 0,
  pageToken: '',
  filter: '',
  orderBy: '',
  showDeleted: false,
  showTotal: false,
};

describe('a caller', () => {
  test('without a credential is asked to sign in, and may ask for health', async () => {
    await using service = await startWithSignIn();
    expect(await failure(service.users.getUser({ id: '1' }))).toMatchObject({
      code: Status.UNAUTHENTICATED,
      reason: 'SIGN_IN_REQUIRED',
    });
    expect((await failure(service.reflection.serverReflectionInfo(NEVER))).reason).toBe('SIGN_IN_REQUIRED');
    expect((await firstValueFrom(service.health.check({ service: '' }))).status).toBe(1);
    expect(await firstValueFrom(service.access.getCaller({}))).toMatchObject({
      user: null,
      localSignIn: true,
      ownRecordMethods: [],
      permittedMethods: [
        'rollcall.access.v1.AccessService.GetCaller',
        'rollcall.access.v1.AccessService.CreateSession',
      ],
    });
  });

  test.each([
    'x',
    'rcs_short',
    `rcs_${'a'.repeat(43)}`,
    `rcl_${'a'.repeat(43)}`,
    '#AAAA',
    '@1',
    'eyJhbGciOiJub25lIn0.e30.',
  ])('with the credential %s is refused, also where everybody may call', async (secret) => {
    await using service = await startWithSignIn();
    for (const call of [service.users.getUser({ id: '1' }, by(secret)), service.access.getCaller({}, by(secret))]) {
      expect(await failure(call)).toMatchObject({ code: Status.UNAUTHENTICATED, reason: 'CREDENTIAL_INVALID' });
    }
  });

  test.each([
    { what: 'is disabled', change: { type: USER_TYPE_DISABLED } },
    { what: 'is deleted', change: undefined },
  ])('who $what may do nothing, nor go on with what was begun, in two seconds', async ({ change }) => {
    await using service = await startWithSignIn();
    const admin = await administrator(service);
    const bob = await createUserAs(service, admin, { name: 'Bob' });
    const token = await tokenOf(service, admin, bob.id);
    let changedAt = Infinity;
    const watched = failure(
      service.users.watchUsers(watching, by(token)).pipe(
        tap({
          next: () => {
            if (changedAt !== Infinity) return;
            changedAt = performance.now();
            const options = by(admin);
            if (change === undefined) void firstValueFrom(service.users.deleteUser({ id: bob.id, etag: '' }, options));
            else
              void firstValueFrom(
                service.users.updateUser({ user: { ...bob, etag: '', ...change }, updateMask: ['type'] }, options),
              );
          },
        }),
      ),
    );
    const error = await watched;
    expect(error).toMatchObject({ code: Status.PERMISSION_DENIED, reason: 'NOT_PERMITTED' });
    expect(performance.now() - changedAt).toBeLessThan(2000);
    for (const call of [service.users.getUser({ id: '1' }, by(token)), service.access.getCaller({}, by(token))])
      expect(await failure(call)).toMatchObject({
        code: Status.PERMISSION_DENIED,
        message: 'This account may do nothing here.',
      });
  });

  test('who becomes a guest may go on reading and no longer writes', async () => {
    await using service = await startWithSignIn();
    const admin = await administrator(service);
    const eve = await createUserAs(service, admin, { name: 'Eve', type: USER_TYPE_ADMINISTRATOR });
    const token = await tokenOf(service, admin, eve.id);
    await createUserAs(service, token, { name: 'by Eve' });
    await firstValueFrom(
      service.users.updateUser({ user: { ...eve, etag: '', type: USER_TYPE_GUEST }, updateMask: ['type'] }, by(admin)),
    );
    await expect
      .poll(
        () => failure(service.users.createUser({ user: newUser(), requestId: '' }, by(token))).catch(() => undefined),
        { timeout: 2000 },
      )
      .toMatchObject({ reason: 'NOT_PERMITTED' });
    await firstValueFrom(service.users.getUser({ id: eve.id }, by(token)));
  });
});

describe("a user's own record", () => {
  test('is changed in name, email and age, and in nothing else', async () => {
    await using service = await startWithSignIn();
    const admin = await administrator(service);
    const bob = await createUserAs(service, admin, { name: 'Bob' });
    const token = await tokenOf(service, admin, bob.id);
    const update = (fields: Partial<user.User>, updateMask: string[] | null) =>
      service.users.updateUser({ user: { ...bob, type: 0, etag: '', ...fields }, updateMask }, by(token));
    const changed = await firstValueFrom(
      update({ name: 'Rob', email: 'rob@example.com', age: 40 }, ['name', 'email', 'age']),
    );
    expect(changed.user).toMatchObject({ name: 'Rob', email: 'rob@example.com', age: 40, type: USER_TYPE_NORMAL });
    expect((await firstValueFrom(update({ name: 'Bob', etag: changed.user?.etag ?? '' }, null))).user?.name).toBe(
      'Bob',
    );
    for (const refused of [
      update({ type: USER_TYPE_ADMINISTRATOR }, ['type']),
      update({ type: USER_TYPE_ADMINISTRATOR }, null),
      update({ name: 'Bob', type: USER_TYPE_ADMINISTRATOR }, ['name', 'type']),
      update({ name: 'Bob' }, ['*']),
      update({ id: '1' }, ['name']),
      update({ id: '987654' }, ['name']),
    ])
      expect(await failure(refused)).toMatchObject({ code: Status.PERMISSION_DENIED, reason: 'NOT_PERMITTED' });
    expect((await firstValueFrom(service.users.getUser({ id: bob.id }, by(token)))).user?.type).toBe(USER_TYPE_NORMAL);
  });
});

describe('a token', () => {
  test('is made, listed without its secret, and revoked, which ends its streams', async () => {
    await using service = await startWithSignIn();
    const admin = await administrator(service);
    const bob = await createUserAs(service, admin, { name: 'Bob' });
    const first = await tokenOf(service, admin, bob.id, 'first');
    const session = await sessionOf(service, admin, bob.id);
    const second = await firstValueFrom(
      service.access.createToken({ userId: bob.id, name: 'ci', validDays: 0 }, by(session)),
    );
    expect(
      (await failure(service.access.createToken({ userId: bob.id, name: 'ci', validDays: 0 }, by(session)))).reason,
    ).toBe('TOKEN_NAME_TAKEN');
    const { tokens } = await firstValueFrom(service.access.listTokens({ userId: bob.id }, by(second.secret)));
    expect(tokens.map(({ name }) => name)).toEqual(['ci', 'first']);
    expect(JSON.stringify(tokens)).not.toContain('rct_');
    expect((await failure(service.access.listTokens({ userId: '1' }, by(first)))).reason).toBe('NOT_PERMITTED');
    expect((await failure(service.access.deleteToken({ userId: bob.id, name: 'none' }, by(first)))).reason).toBe(
      'TOKEN_NOT_FOUND',
    );

    let revoked = false;
    const error = await failure(
      service.users.watchUsers(watching, by(second.secret)).pipe(
        tap(() => {
          if (revoked) return;
          revoked = true;
          void firstValueFrom(service.access.deleteToken({ userId: bob.id, name: 'ci' }, by(first)));
        }),
      ),
    );
    expect(error).toMatchObject({ code: Status.UNAUTHENTICATED, reason: 'CREDENTIAL_INVALID' });
    expect((await failure(service.users.getUser({ id: '1' }, by(second.secret)))).reason).toBe('CREDENTIAL_INVALID');
    await firstValueFrom(service.users.getUser({ id: bob.id }, by(first)));
  });

  test('is one of a hundred at the most', async () => {
    await using service = await startWithSignIn();
    const admin = await administrator(service);
    const bob = await createUserAs(service, admin, { name: 'Bob' });
    for (let number = 0; number < 100; number += 1) await tokenOf(service, admin, bob.id, `t${number}`);
    expect(
      await failure(service.access.createToken({ userId: bob.id, name: 'more', validDays: 0 }, by(admin))),
    ).toMatchObject({
      code: Status.RESOURCE_EXHAUSTED,
      reason: 'TOO_MANY_TOKENS',
    });
  });

  test('goes with all others of its user when they are revoked', async () => {
    await using service = await startWithSignIn();
    const admin = await administrator(service);
    const bob = await createUserAs(service, admin, { name: 'Bob' });
    const [one, two] = [await tokenOf(service, admin, bob.id, 'one'), await tokenOf(service, admin, bob.id, 'two')];
    expect(await firstValueFrom(service.access.revokeCredentials({ userId: bob.id }, by(one)))).toEqual({
      revokedCount: 2,
    });
    await expect
      .poll(() => failure(service.users.getUser({ id: '1' }, by(two))).catch(() => undefined), { timeout: 2000 })
      .toMatchObject({ reason: 'CREDENTIAL_INVALID' });
  });
});

test('what a user signs in by goes when the user is purged, so that it is not for the next one with the id', async () => {
  await using service = await startWithSignIn({}, undefined, { keepDeletedMs: 1 });
  const admin = await administrator(service);
  const bob = await createUserAs(service, admin, { id: '77', name: 'Bob' });
  const token = await tokenOf(service, admin, bob.id);
  await firstValueFrom(service.users.deleteUser({ id: bob.id, etag: '' }, by(admin)));
  await expect
    .poll(async () => {
      await service.store.maintenance.run();
      return (await service.store.find(['77'])).size;
    })
    .toBe(0);
  await createUserAs(service, admin, { id: '77', name: 'Eve', type: USER_TYPE_ADMINISTRATOR });
  expect((await failure(service.users.getUser({ id: '1' }, by(token)))).reason).toBe('CREDENTIAL_INVALID');
});

describe('an invitation', () => {
  test('signs its user in once, and only a user who may', async () => {
    await using service = await startWithSignIn();
    const admin = await administrator(service);
    const bob = await createUserAs(service, admin, { name: 'Bob' });
    const troll = await createUserAs(service, admin, { name: 'Troll', type: USER_TYPE_DISABLED });
    const invite = async (userId: string) =>
      secretOf((await firstValueFrom(service.access.createInvitation({ userId, validDays: 0 }, by(admin)))).link);
    const secret = await invite(bob.id);
    const session = await firstValueFrom(service.access.createSession({ secret }));
    expect(session.user?.id).toBe(bob.id);
    const outcomes = await Promise.allSettled(
      [await invite(bob.id)]
        .flatMap((once) => [once, once, once])
        .map((once) => firstValueFrom(service.access.createSession({ secret: once }))),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await failure(service.access.createSession({ secret: await invite(troll.id) }))).reason).toBe(
      'LINK_INVALID',
    );
    expect((await failure(service.access.createSession({ secret: session.secret }))).reason).toBe('LINK_INVALID');
    expect(
      (await failure(service.access.createInvitation({ userId: bob.id, validDays: 0 }, by(session.secret)))).reason,
    ).toBe('NOT_PERMITTED');
    expect((await failure(service.access.createInvitation({ userId: '99', validDays: 0 }, by(admin)))).reason).toBe(
      'USER_NOT_FOUND',
    );
  });

  test('signs nobody in where local sign-in is off', async () => {
    await using service = await startWithSignIn({
      links: false,
      oidc: { issuer: 'http://127.0.0.1:9', audiences: ['a'], userIdClaim: undefined, leewaySeconds: 0, tokenMs: 0 },
    });
    expect((await failure(service.access.createSession({ secret: `rcl_${'a'.repeat(43)}` }))).reason).toBe(
      'LOCAL_SIGN_IN_OFF',
    );
    expect(await service.firstLink()).toBeUndefined();
  });
});

describe('the limits of callers', () => {
  test('hold at so many streams, and not before', async () => {
    const { limits } = readConfig({}).signIn;
    await using service = await startWithSignIn({ limits: { ...limits, streamsPerCaller: 2 } });
    const admin = await administrator(service);
    const open = () => {
      const subscribed = Promise.withResolvers<void>();
      const subscription = service.users
        .watchUsers(watching, by(admin))
        .subscribe({ next: () => subscribed.resolve(), error: subscribed.reject });
      return { subscription, opened: subscribed.promise };
    };
    const streams = [open(), open()];
    for (const { opened } of streams) await opened;
    expect(await failure(service.users.watchUsers(watching, by(admin)))).toMatchObject({
      code: Status.RESOURCE_EXHAUSTED,
      reason: 'TOO_MANY_STREAMS',
    });
    streams[0]?.subscription.unsubscribe();
    await expect
      .poll(
        () =>
          open().opened.then(
            () => 'open',
            (error: { reason: string }) => error.reason,
          ),
        { timeout: 5000 },
      )
      .toBe('open');
    streams[1]?.subscription.unsubscribe();
  });

  test('hold at so many calls of a caller, and of an address that is not signed in', async () => {
    const { limits } = readConfig({}).signIn;
    const slow = { perSecond: 0.01, burst: 5 };
    const invalid = by(`rcs_${'a'.repeat(43)}`);
    await using service = await startWithSignIn({ limits: { ...limits, callsPerCaller: slow, callsPerAddress: slow } });
    const admin = await administrator(service); // one call of the address
    for (let call = 1; call <= 5; call += 1)
      expect((await failure(service.users.getUser({ id: '1' }))).reason).toBe('SIGN_IN_REQUIRED');
    const refused = await failure(service.users.getUser({ id: '1' }));
    expect(refused).toMatchObject({ code: Status.RESOURCE_EXHAUSTED, reason: 'RATE_LIMITED' });
    expect(refused.details.retryDelayMs).toBeGreaterThan(0);
    expect(refused.details.retryDelayMs).toBeLessThanOrEqual(100_000);

    for (let call = 1; call <= 5; call += 1) await firstValueFrom(service.users.listUsers(emptyList, by(admin)));
    expect((await failure(service.users.listUsers(emptyList, by(admin)))).reason).toBe('RATE_LIMITED');

    for (let call = 1; call <= 5; call += 1)
      expect((await failure(service.users.getUser({ id: '1' }, invalid))).reason).toBe('CREDENTIAL_INVALID');
    expect((await failure(service.users.getUser({ id: '1' }, invalid))).reason).toBe('RATE_LIMITED');
    expect((await firstValueFrom(service.health.check({ service: '' }))).status).toBe(1);
  });
});

test("the tutorials' clients act as the user that is configured, and otherwise not at all", async () => {
  await using closed = await startWithSignIn();
  expect((await failure(closed.manager.getUser({ id: 1 }))).reason).toBe('SIGN_IN_REQUIRED');
  await using service = await startWithSignIn({ tutorialUserId: '2' });
  const admin = await administrator(service);
  expect((await failure(service.manager.getUser({ id: 1 }))).reason).toBe('NOT_PERMITTED');
  await createUserAs(service, admin, { id: '2', name: 'Guest', type: USER_TYPE_GUEST });
  await expect
    .poll(() => firstValueFrom(service.manager.getUser({ id: 2 })).catch(() => undefined), { timeout: 2000 })
    .toMatchObject({ user: { nickname: 'Guest' } });
  expect((await failure(service.users.getUser({ id: '2' }))).reason).toBe('SIGN_IN_REQUIRED');
});

test('what a user has changed on one replica holds on another within two seconds', async () => {
  await using database = await makeDatabase();
  await using one = await startWithSignIn({}, database);
  const admin = await administrator(one);
  const bob = await createUserAs(one, admin, { name: 'Bob' });
  const token = await tokenOf(one, admin, bob.id);
  const other = database.engine === 'postgres' ? await startWithSignIn({}, database) : undefined;
  const reader = other ?? one; // the embedded engine has one replica
  await firstValueFrom(reader.users.getUser({ id: bob.id }, by(token)));
  await firstValueFrom(
    one.users.updateUser({ user: { ...bob, etag: '', type: USER_TYPE_DISABLED }, updateMask: ['type'] }, by(admin)),
  );
  await expect
    .poll(() => failure(reader.users.getUser({ id: bob.id }, by(token))).catch(() => undefined), { timeout: 2000 })
    .toMatchObject({ reason: 'NOT_PERMITTED' });
  await other?.[Symbol.asyncDispose]();
});
