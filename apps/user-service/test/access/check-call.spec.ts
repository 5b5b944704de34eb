import { status as Status } from '@grpc/grpc-js';
import { rollcallContract, user } from '@rollcall/proto';
import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { auditEntries, failure, newUser, startService } from '../service.ts';
import { administrator, by, startWithSignIn, tokenOf } from './signed-in.ts';

const createUser = 'rollcall.user.v1.UserService.CreateUser';
const sendNote = 'rollcall.chat.v1.ChatService.SendNote';

test('a call is answered before it is made as it will be when it is made, also one that another service serves', async () => {
  await using service = await startWithSignIn();
  const admin = await administrator(service);
  const guest = { ...newUser(), type: user.UserType.USER_TYPE_GUEST };
  const { user: made } = await firstValueFrom(service.users.createUser({ user: guest, requestId: '' }, by(admin)));
  const token = await tokenOf(service, admin, made?.id ?? '');
  const { callers } = service;
  for (const method of [createUser, sendNote]) {
    await firstValueFrom(callers.checkCall({ method }, by(admin)));
    expect(await failure(callers.checkCall({ method }, by(token)))).toMatchObject({
      code: Status.PERMISSION_DENIED,
      reason: 'NOT_PERMITTED',
      message: `You may not call ${method}.`,
    });
    expect((await failure(callers.checkCall({ method }))).reason).toBe('SIGN_IN_REQUIRED');
    const bad = by(`rct_${'A'.repeat(43)}`);
    expect((await failure(callers.checkCall({ method }, bad))).reason).toBe('CREDENTIAL_INVALID');
  }
  await service.store.audit.flush();
  const denied = await auditEntries(service.audit, { deniedOnly: true }, by(admin));
  expect(denied.map(({ method, callerId, code }) => ({ method, callerId, code }))).toEqual(
    [createUser, sendNote].flatMap((method) => [
      { method, callerId: made?.id, code: Status.PERMISSION_DENIED },
      { method, callerId: '0', code: Status.UNAUTHENTICATED },
      { method, callerId: '0', code: Status.UNAUTHENTICATED },
    ]),
  );
});

test('a call that nobody knows may not be made, and in protected mode all others may', async () => {
  await using service = await startService();
  const check = (method: string) => service.callers.checkCall({ method });
  await firstValueFrom(check(createUser));
  for (const method of ['rollcall.user.v1.UserService.Create', 'CreateUser', `/${createUser}`, 'x'.repeat(200)])
    expect(await failure(check(method))).toMatchObject({ code: Status.NOT_FOUND, reason: 'UNKNOWN_METHOD' });
  expect((await failure(check(''))).reason).toBe('INVALID_FIELD');
  const { permittedMethods } = await firstValueFrom(service.access.getCaller({}));
  expect(permittedMethods).toContain(createUser);
  expect(permittedMethods.filter((method) => method.includes('CallerService'))).toEqual([]);
  expect(rollcallContract.methods.get('/rollcall.access.v1.CallerService/CheckCall')?.http).toEqual([]);
});

test('asking takes nothing of a rate that the call will take, and those who may not call run out of theirs', async () => {
  const { limits } = readConfig({}).signIn;
  const slow = { perSecond: 0.01, burst: 5 };
  await using service = await startWithSignIn({ limits: { ...limits, writesPerCaller: slow, callsPerAddress: slow } });
  const admin = await administrator(service);
  for (let n = 0; n < 20; n += 1) await firstValueFrom(service.callers.checkCall({ method: sendNote }, by(admin)));
  for (let n = 0; n < 5; n += 1)
    await firstValueFrom(service.users.createUser({ user: newUser(), requestId: '' }, by(admin)));
  expect((await failure(service.callers.checkCall({ method: sendNote }, by(admin)))).reason).toBe('RATE_LIMITED');
  for (let n = 0; n < 5; n += 1)
    expect((await failure(service.callers.checkCall({ method: sendNote }))).reason).toBe('SIGN_IN_REQUIRED');
  expect((await failure(service.callers.checkCall({ method: sendNote }))).reason).toBe('RATE_LIMITED');
});
