import { status as Status } from '@grpc/grpc-js';
import type { userService } from '@rollcall/proto';
import { firstValueFrom, of, tap } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { failure } from '../service.ts';
import {
  administrator,
  by,
  createUserAs,
  sessionOf,
  type SignedInService,
  startWithIssuer,
  startWithSignIn,
  tokenOf,
  verified,
} from './signed-in.ts';

const watching: userService.WatchUsersRequest = { snapshot: true, filter: '', resumeToken: '' };

async function ticketOf({ access }: SignedInService, credential: string) {
  return firstValueFrom(access.createTicket({}, by(credential)));
}

/** Watches by a credential, and does something once it watches. @returns the error that the watch ends with, and when */
async function watchUntilItEnds({ users }: SignedInService, credential: string, onceOpen: () => Promise<unknown>) {
  let doneAt: number | undefined;
  const error = await failure(
    users.watchUsers(watching, by(credential)).pipe(
      tap(() => {
        if (doneAt !== undefined) return;
        doneAt = performance.now();
        void onceOpen();
      }),
    ),
  );
  if (doneAt === undefined) throw error;
  return { error, afterMs: performance.now() - doneAt };
}

describe('a ticket', () => {
  test('opens one stream, which ends with the credential that it was made by', async () => {
    await using service = await startWithSignIn();
    const admin = await administrator(service);
    const bob = await createUserAs(service, admin, { name: 'Bob' });
    for (const maker of [await tokenOf(service, admin, bob.id), await sessionOf(service, admin, bob.id)]) {
      const { ticket } = await ticketOf(service, maker);
      const { error } = await watchUntilItEnds(service, ticket, () =>
        firstValueFrom(service.access.deleteSession({}, by(maker))),
      );
      expect(error).toMatchObject({ code: Status.UNAUTHENTICATED, reason: 'CREDENTIAL_INVALID' });
      expect((await failure(service.users.watchUsers(watching, by(ticket)))).reason).toBe('CREDENTIAL_INVALID');
    }
  });

  test('of a token of the issuer opens a stream that ends when the token does', async () => {
    await using system = await startWithIssuer();
    const { service, issuer } = system;
    const admin = await administrator(service);
    await createUserAs(service, admin, { name: 'Bob', email: 'bob@example.com' });
    const exp = Math.floor(Date.now() / 1000) + 3;
    const token = issuer.token(verified('bob@example.com', { exp }));
    const { ticket, expireTime } = await ticketOf(service, token);
    expect(expireTime?.seconds).toBe(String(exp)); // and not half a minute from now
    const { error } = await watchUntilItEnds(service, ticket, () => Promise.resolve());
    expect(error).toMatchObject({ code: Status.UNAUTHENTICATED, reason: 'CREDENTIAL_INVALID' });
    expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000);
    expect(Date.now()).toBeLessThan(exp * 1000 + 2000);
  });

  test.each<
    [string, string, (service: SignedInService, admin: string, token: string, userId: string) => Promise<unknown>]
  >([
    [
      'credentials are revoked',
      'CREDENTIAL_INVALID',
      ({ access }, admin, _, userId) => firstValueFrom(access.revokeCredentials({ userId }, by(admin))),
    ],
    [
      'token is signed out',
      'CREDENTIAL_INVALID',
      ({ access }, _, token) => firstValueFrom(access.deleteSession({}, by(token))),
    ],
    [
      'user is deleted',
      'NOT_PERMITTED',
      ({ users }, admin, _, id) => firstValueFrom(users.deleteUser({ id, etag: '' }, by(admin))),
    ],
  ])('of a token of the issuer opens a stream that ends when its %s', async (_, reason, act) => {
    await using system = await startWithIssuer();
    const { service, issuer } = system;
    const admin = await administrator(service);
    const bob = await createUserAs(service, admin, { name: 'Bob', email: 'bob@example.com' });
    const token = issuer.token(verified('bob@example.com'));
    const { ticket } = await ticketOf(service, token);
    const { error, afterMs } = await watchUntilItEnds(service, ticket, () => act(service, admin, token, bob.id));
    expect(error.reason).toBe(reason);
    expect(afterMs).toBeLessThan(2000);
    expect((await failure(service.users.getUser({ id: bob.id }, by(token)))).reason).toBe(reason);
  });

  test('opens nothing but a stream of responses, and is not used up by what it does not open', async () => {
    await using service = await startWithSignIn();
    const admin = await administrator(service);
    const { id } = await createUserAs(service, admin, { name: 'Bob' });
    const { ticket } = await ticketOf(service, admin);
    const options = by(ticket);
    const calls = [
      service.users.getUser({ id }, options),
      service.access.getCaller({}, options),
      service.access.createToken({ userId: id, name: 'x', validDays: 1 }, options),
      service.access.createTicket({}, options),
      service.access.deleteSession({}, options),
      service.users.countExistingUsers(of({ id }), options),
      service.users.lookupUsers(of({ id }), options),
      service.users.importUsers(
        of({ user: null, users: [], afterRow: '0', requestId: '', dryRun: true, onConflict: 0 }),
        options,
      ),
    ];
    for (const call of calls)
      expect(await failure(call)).toMatchObject({ code: Status.UNAUTHENTICATED, reason: 'CREDENTIAL_INVALID' });
    await firstValueFrom(service.users.watchUsers(watching, options));
  });
});

describe('a token of the issuer', () => {
  test('that was issued before all was revoked is of no use, and one that is issued later is', async () => {
    await using system = await startWithIssuer();
    const { service, issuer } = system;
    const admin = await administrator(service);
    const { id } = await createUserAs(service, admin, { name: 'Bob', email: 'bob@example.com' });
    const iat = Math.floor(Date.now() / 1000) - 10;
    const [before, without] = [
      issuer.token(verified('bob@example.com', { iat })),
      issuer.token(verified('bob@example.com', { iat: undefined })),
    ];
    await firstValueFrom(service.users.getUser({ id }, by(before)));
    await firstValueFrom(service.users.getUser({ id }, by(without)));
    await firstValueFrom(service.access.revokeCredentials({ userId: id }, by(admin)));
    const refused = (token: string) =>
      expect
        .poll(() => failure(service.users.getUser({ id }, by(token))).catch(() => undefined), { timeout: 2000 })
        .toMatchObject({ reason: 'CREDENTIAL_INVALID' });
    await refused(before);
    await refused(without);
    const later = issuer.token(verified('bob@example.com', { iat: Math.ceil(Date.now() / 1000) + 1, nbf: 0 }));
    // It is issued when its time has come.
    await expect
      .poll(
        () =>
          firstValueFrom(service.users.getUser({ id }, by(later))).then(
            ({ user }) => user?.id,
            () => undefined,
          ),
        { timeout: 5000 },
      )
      .toBe(id);
  });
});
