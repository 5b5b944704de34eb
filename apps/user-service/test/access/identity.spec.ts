import { Logger } from '@nestjs/common';
import { status as Status } from '@grpc/grpc-js';
import type { RpcError } from '@rollcall/grpc';
import { user, userService } from '@rollcall/proto';
import { firstValueFrom, from } from 'rxjs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createUser as creation } from '../../src/users/create-user.ts';
import { addressIdentity, emailKey } from '../../src/query/text-keys.ts';
import { all, createUser, failure, newUser, startService } from '../service.ts';
import {
  administrator,
  by,
  createUserAs,
  secretOf,
  sessionOf,
  type SignedInService,
  startWithIssuer,
  startWithSignIn,
  verified,
} from './signed-in.ts';

const { USER_TYPE_ADMINISTRATOR, USER_TYPE_GUEST, USER_TYPE_NORMAL } = user.UserType;
afterEach(() => vi.restoreAllMocks());

async function whoIs({ access }: SignedInService, credential: string): Promise<string | undefined> {
  return (await firstValueFrom(access.getCaller({}, by(credential)))).user?.id;
}

describe('an address that a token has', () => {
  test.each([
    ['kevin@example.com', true],
    ['KEVIN@Example.COM', true],
    ['\u212Aevin@example.com', false], // Kelvin
    ['kev\u0131n@example.com', false], // without a dot
    ['kevin@example.com.', false],
    [' kevin@example.com', false],
    ['\uFF4Bevin@example.com', false], // full width
    ['kevin\u200B@example.com', false],
  ])('%j is that of kevin@example.com: %s', async (email, isKevin) => {
    await using system = await startWithIssuer();
    const { service, issuer } = system;
    const admin = await administrator(service);
    const kevin = await createUserAs(service, admin, { name: 'Kevin', email: 'kevin@example.com' });
    const credential = issuer.token(verified(email));
    const answer = await whoIs(service, credential).catch((error: RpcError) => error.message);
    expect(answer).toBe(isKevin ? kevin.id : 'This account may do nothing here.');
  });

  test('is found by one folding, and is the same by a stricter one', () => {
    expect(emailKey('\u212Aevin@example.com')).toBe(emailKey('kevin@example.com'));
    expect(addressIdentity('\u212Aevin@example.com')).not.toBe(addressIdentity('kevin@example.com'));
    expect(addressIdentity('KEVIN@example.com')).toBe(addressIdentity('kevin@Example.com'));
  });
});

describe('where an issuer says by the address who it is', () => {
  test('users change their name and age, and administrators their address', async () => {
    await using system = await startWithIssuer();
    const { service } = system;
    const admin = await administrator(service);
    const bob = await createUserAs(service, admin, { name: 'Bob', email: 'bob@example.com' });
    const session = await sessionOf(service, admin, bob.id);
    const update = (fields: Partial<user.User>, updateMask: string[] | null, credential: string) =>
      service.users.updateUser({ user: { ...bob, type: 0, etag: '', ...fields }, updateMask }, by(credential));
    for (const email of ['new.admin@example.com', 'BOB@example.com', ''])
      expect(await failure(update({ email }, ['email'], session))).toMatchObject({
        code: Status.PERMISSION_DENIED,
        reason: 'NOT_PERMITTED',
      });
    expect((await failure(update({ email: 'x@example.com', name: 'Rob' }, null, session))).reason).toBe(
      'NOT_PERMITTED',
    );
    const renamed = await firstValueFrom(update({ name: 'Rob', age: 40 }, null, session));
    expect(renamed.user).toMatchObject({ name: 'Rob', email: 'bob@example.com', age: 40 });
    const moved = await firstValueFrom(update({ email: 'rob@example.com' }, ['email'], admin));
    expect(moved.user?.email).toBe('rob@example.com');
    await service.store.audit.flush();
    const denied = await firstValueFrom(
      service.audit.listAuditEntries({ pageSize: 10, pageToken: '', callerId: bob.id, deniedOnly: true }, by(admin)),
    );
    expect(denied.entries[0]?.reason).toBe('NOT_PERMITTED: it would change the address by which the user signs in');
  });

  test.each([
    ['by a claim', { userIdClaim: 'rollcall_id' }],
    ['by links alone', undefined],
  ])('and not where they are known %s', async (_, oidc) => {
    await using system = oidc === undefined ? await startWithLinks() : await startWithIssuer(oidc);
    const { service } = system;
    const admin = await administrator(service);
    const bob = await createUserAs(service, admin, { name: 'Bob', email: 'bob@example.com' });
    const session = await sessionOf(service, admin, bob.id);
    const sent = { ...bob, type: 0, etag: '', email: 'rob@example.com' };
    const { user: changed } = await firstValueFrom(
      service.users.updateUser({ user: sent, updateMask: ['email'] }, by(session)),
    );
    expect(changed?.email).toBe('rob@example.com');
  });
});

describe('an import', () => {
  test('gives no more rights to a user whom a row names by the address alone', async () => {
    await using service = await startService();
    const { id } = await createUser(service.users, { name: 'Ada', email: 'ada@example.com', type: USER_TYPE_NORMAL });
    const run = async (fields: Partial<user.User>) => {
      const row = newUser({ email: 'ada@example.com', ...fields });
      const onConflict = userService.ImportConflict.IMPORT_CONFLICT_UPDATE;
      const answers = await all(
        service.users.importUsers(
          from([{ user: row, users: [], afterRow: '0', requestId: '', dryRun: false, onConflict }]),
        ),
      );
      return answers.flatMap(({ results }) => results)[0];
    };
    const { OUTCOME_FAILED, OUTCOME_UPDATED } = userService.ImportResult_Outcome;
    expect(await run({ type: USER_TYPE_ADMINISTRATOR })).toMatchObject({ outcome: OUTCOME_FAILED, field: 'user.id' });
    expect(await run({ name: 'Ada L.' })).toMatchObject({ outcome: OUTCOME_UPDATED, id });
    expect(await run({ type: USER_TYPE_GUEST })).toMatchObject({ outcome: OUTCOME_UPDATED });
    expect(await run({ type: USER_TYPE_NORMAL })).toMatchObject({ outcome: OUTCOME_FAILED, field: 'user.id' });
    expect(await run({ id, type: USER_TYPE_ADMINISTRATOR })).toMatchObject({ outcome: OUTCOME_UPDATED });
  });
});

describe('FIRST_ADMINISTRATOR_EMAIL', () => {
  test('that a user has entered as their own makes another the administrator, who has the address then', async () => {
    const warned = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
    await using system = await startWithIssuer({}, { firstAdministratorEmail: 'boss@example.com' });
    const { service, issuer } = system;
    const mallory = await service.store.write(creationOf({ name: 'Mallory', email: 'Boss@example.com' }));
    const { secret } = await service.store.credentials.change((change) =>
      change.make('token', { userId: BigInt(mallory.id), name: 'x', validMs: 1e6, madeBy: 'session' }),
    );
    const links = await Promise.all([service.firstLink(), service.firstLink()]);
    const session = await firstValueFrom(service.access.createSession({ secret: secretOf(links[0]) }));
    expect(session.user).toMatchObject({
      name: 'Administrator',
      email: 'boss@example.com',
      type: USER_TYPE_ADMINISTRATOR,
    });
    expect(await whoIs(service, issuer.token(verified('boss@example.com')))).toBe(session.user?.id);
    expect(session.user?.id).not.toBe(mallory.id);
    const { user: left } = await firstValueFrom(service.users.getUser({ id: mallory.id }, by(secret)));
    expect(left).toMatchObject({ email: '', type: USER_TYPE_NORMAL });
    expect(warned.mock.calls.flat()).toContain(
      `the user ${mallory.id} had the address of FIRST_ADMINISTRATOR_EMAIL, and has none now`,
    );
  });
});

describe('a token of the issuer that is of no use', () => {
  test('says why in the log, once in a while, with nothing of it', async () => {
    const warned = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
    await using system = await startWithIssuer();
    const { service, issuer } = system;
    const tokens = [
      issuer.token(verified('ada@example.com', { aud: 'another' })),
      issuer.token(verified('ada@example.com', { aud: 'a third' })),
      issuer.token(verified('ada@example.com', { exp: 1 })),
      issuer.token({ email: 'ada@example.com', email_verified: 'true' }),
      issuer.token({}),
      issuer.token(verified('ada@example.com')), // nobody has it
    ];
    for (const token of tokens) await failure(service.access.getCaller({}, by(token)));
    const said = warned.mock.calls.map(([line]) => String(line)).filter((line) => line.includes('token is'));
    expect(said.map((line) => line.replace(' (said once a minute at the most)', ''))).toEqual([
      'a token is refused: its audience is another',
      'a token is refused: it has expired',
      'a token is refused: its email_verified is the text "true", and has to be the value true',
      'a token is refused: it has no email address',
      'a token is accepted, but no live user of the directory has its address or id: its caller may do nothing',
    ]);
    for (const token of tokens) expect(said.join()).not.toContain(token.slice(0, 20));
  });
});

function creationOf(fields: Partial<user.User>) {
  return creation(newUser(fields), '');
}

async function startWithLinks() {
  const service = await startWithSignIn();
  return { service, [Symbol.asyncDispose]: () => service[Symbol.asyncDispose]() };
}
