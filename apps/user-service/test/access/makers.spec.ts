import { status as Status } from '@grpc/grpc-js';
import { user } from '@rollcall/proto';
import { firstValueFrom } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { auditEntries, failure, startService } from '../service.ts';
import {
  administrator,
  by,
  createUserAs,
  sessionOf,
  startWithIssuer,
  startWithSignIn,
  tokenOf,
  verified,
} from './signed-in.ts';

const { USER_TYPE_ADMINISTRATOR } = user.UserType;
const daySeconds = 24 * 60 * 60;
const days = (time: { readonly seconds: string } | null | undefined): number =>
  (Number(time?.seconds ?? 0) - Date.now() / 1000) / daySeconds;
const notPermitted = { code: Status.PERMISSION_DENIED, reason: 'NOT_PERMITTED' };

describe('a token of a program', () => {
  test('makes no token and no link, whoever its user is, and that is audited', async () => {
    await using service = await startWithSignIn();
    const admin = await administrator(service);
    const eve = await createUserAs(service, admin, { name: 'Eve', type: USER_TYPE_ADMINISTRATOR });
    const token = await tokenOf(service, admin, eve.id);
    for (const userId of [eve.id, '1']) {
      expect(await failure(service.access.createToken({ userId, name: 'x', validDays: 1 }, by(token)))).toMatchObject(
        notPermitted,
      );
      expect(await failure(service.access.createInvitation({ userId, validDays: 1 }, by(token)))).toMatchObject(
        notPermitted,
      );
    }
    await service.store.audit.flush();
    const denied = await firstValueFrom(
      service.audit.listAuditEntries({ pageSize: 10, pageToken: '', callerId: eve.id, deniedOnly: true }, by(admin)),
    );
    expect(denied.entries.map(({ reason }) => reason)).toContain('NOT_PERMITTED: made by a token');
  });

  test('makes tickets, which do not outlive it', async () => {
    await using service = await startWithSignIn();
    const admin = await administrator(service);
    const token = await tokenOf(service, admin, '1');
    const { expireTime } = await firstValueFrom(service.access.createTicket({}, by(token)));
    expect(days(expireTime) * daySeconds).toBeLessThanOrEqual(30);
  });
});

describe('a session', () => {
  test('makes nothing that outlives it', async () => {
    await using service = await startWithSignIn({ sessionMs: 2 * daySeconds * 1000 });
    const session = await administrator(service);
    const { expireTime } = await firstValueFrom(service.access.getCaller({}, by(session)));
    const make = (validDays: number, name = 'x') =>
      service.access.createToken({ userId: '1', name, validDays }, by(session));
    const made = await firstValueFrom(make(0));
    expect(made.token).toMatchObject({ expireTime, madeBy: 'session' });
    expect(days((await firstValueFrom(make(1, 'short'))).token?.expireTime)).toBeCloseTo(1, 2);
    expect((await firstValueFrom(make(2, 'all'))).token?.expireTime).toEqual(expireTime);
    const tooLong = { code: Status.INVALID_ARGUMENT, details: { violations: [{ field: 'valid_days' }] } };
    expect(await failure(make(3, 'long'))).toMatchObject(tooLong);
    expect(
      (await firstValueFrom(service.access.createInvitation({ userId: '1', validDays: 0 }, by(session)))).expireTime,
    ).toEqual(expireTime);
    expect(await failure(service.access.createInvitation({ userId: '1', validDays: 7 }, by(session)))).toMatchObject(
      tooLong,
    );
  });

  test('that was ended a moment ago makes nothing, although its calls are still admitted', async () => {
    await using service = await startWithSignIn();
    const session = await administrator(service);
    await firstValueFrom(service.access.getCaller({}, by(session)));
    await service.store.credentials.change((change) => change.revokeAll(1n)); // as another replica does it
    expect(
      await failure(service.access.createToken({ userId: '1', name: 'x', validDays: 1 }, by(session))),
    ).toMatchObject({
      code: Status.UNAUTHENTICATED,
      reason: 'CREDENTIAL_INVALID',
    });
    expect((await firstValueFrom(service.access.getCaller({}))).user).toBeNull();
    expect(await service.store.credentials.reads.of(1n, 'token')).toEqual([]);
  });
});

describe('a token of the issuer', () => {
  test('makes no token and no link unless the configuration says for how long', async () => {
    await using system = await startWithIssuer();
    const { service, issuer } = system;
    const admin = await administrator(service);
    const eve = await createUserAs(service, admin, {
      name: 'Eve',
      email: 'eve@example.com',
      type: USER_TYPE_ADMINISTRATOR,
    });
    const token = issuer.token(verified('eve@example.com'));
    expect(
      await failure(service.access.createToken({ userId: eve.id, name: 'x', validDays: 400 }, by(token))),
    ).toMatchObject(notPermitted);
    expect(await failure(service.access.createInvitation({ userId: eve.id, validDays: 1 }, by(token)))).toMatchObject(
      notPermitted,
    );
  });

  test('makes tokens of so many days at the most, which go when all is revoked', async () => {
    await using system = await startWithIssuer({ tokenMs: 3 * daySeconds * 1000 });
    const { service, issuer } = system;
    const admin = await administrator(service);
    const bob = await createUserAs(service, admin, { name: 'Bob', email: 'bob@example.com' });
    const by3 = by(issuer.token(verified('bob@example.com')));
    const make = (validDays: number) => service.access.createToken({ userId: bob.id, name: 'x', validDays }, by3);
    expect(await failure(make(4))).toMatchObject({ details: { violations: [{ field: 'valid_days' }] } });
    const { token, secret } = await firstValueFrom(make(0));
    expect(days(token?.expireTime)).toBeCloseTo(3, 2);
    expect(token?.madeBy).toBe('oidc');
    await firstValueFrom(service.access.revokeCredentials({ userId: bob.id }, by(admin)));
    expect((await failure(service.users.getUser({ id: '1' }, by(secret)))).reason).toBe('CREDENTIAL_INVALID');
  });
});

describe('in protected mode', () => {
  test('tokens are made as asked, whatever credential is sent along', async () => {
    await using service = await startService();
    await createUserAs(service, 'nobody', { name: 'Ada' });
    const made = await firstValueFrom(
      service.access.createToken({ userId: '1', name: 'x', validDays: 400 }, by('nobody')),
    );
    expect(made.token?.madeBy).toBe('local');
    expect(days(made.token?.expireTime)).toBeCloseTo(400, 1);
    await firstValueFrom(service.access.createTicket({}));
    expect((await auditEntries(service.audit)).map(({ note }) => note)).toContain('token "x" made for user 1');
  });
});

test('what is kept is never valid for longer than 400 days', async () => {
  await using service = await startWithSignIn();
  await administrator(service);
  await service.store.credentials.change((change) =>
    change.make('token', { userId: 1n, name: 'odd', validMs: 2 ** 31 * daySeconds * 1000, madeBy: '' }),
  );
  const session = await sessionOf(service, await adminAgain(service), '1');
  const { tokens } = await firstValueFrom(service.access.listTokens({ userId: '1' }, by(session)));
  expect(days(tokens[0]?.expireTime)).toBeCloseTo(400, 1);
});

async function adminAgain(service: Parameters<typeof administrator>[0]): Promise<string> {
  return service.store.credentials
    .change((change) => change.make('session', { userId: 1n, validMs: daySeconds * 1000 * 10, madeBy: '' }))
    .then(({ secret }) => secret);
}
