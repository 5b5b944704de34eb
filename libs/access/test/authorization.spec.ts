import { Metadata, status as Status } from '@grpc/grpc-js';
import type { IncomingCall } from '@rollcall/grpc';
import { type Method, rollcallContract, user } from '@rollcall/proto';
import { testingContract } from '@rollcall/proto/testing';
import { expect, test } from 'vitest';
import { defaultCallerLimits } from '../src/access-environment.ts';
import { Authorization, type Denial, localAuthorization } from '../src/authorization.ts';
import { CallerCache } from '../src/caller-cache.ts';

const { USER_TYPE_ADMINISTRATOR } = user.UserType;
const address = '10.0.0.1';

function methodOf(path: string): Method {
  const method = rollcallContract.methods.get(path) ?? testingContract.methods.get(path);
  if (method === undefined) throw new Error(`there is no ${path}`);
  return method;
}

/** A call of an administrator. */
function callOf(path: string): IncomingCall {
  const metadata = new Metadata();
  metadata.set('authorization', 'Bearer administrator');
  return { method: methodOf(path), metadata, peer: `${address}:1` };
}

/** An authorization for which every credential is an administrator's, and what it has denied. */
function administratorsOnly() {
  const denied: Denial[] = [];
  const known = { userId: '1', type: USER_TYPE_ADMINISTRATOR, credential: 'token' as const, expiresMs: Infinity };
  const callers = new CallerCache((credentials) => Promise.resolve(credentials.map(() => known)));
  const { authorize } = new Authorization({
    callers,
    limits: defaultCallerLimits,
    addressOf: () => address,
    onDenied: (denial) => denied.push(denial),
  });
  return { authorize: async (call: IncomingCall) => authorize(call), denied };
}

/** No service says who may call it: it is for tests of the transport. */
const unruled = '/testing.v1.ShelfService/ReadFile';

test('lets nobody call a method whose contract does not say who may, administrators neither', async () => {
  const { authorize, denied } = administratorsOnly();
  await expect(authorize(callOf('/rollcall.user.v1.UserService/CreateUser'))).resolves.toMatchObject({
    caller: { userId: '1', address },
  });
  const refusal = { code: Status.PERMISSION_DENIED, reason: 'NOT_PERMITTED', message: 'Nobody may call this method.' };
  await expect(authorize(callOf(unruled))).rejects.toMatchObject(refusal);
  expect(denied).toMatchObject([{ method: 'testing.v1.ShelfService.ReadFile', code: Status.PERMISSION_DENIED }]);
  const local = localAuthorization(() => address);
  expect(() => local(callOf(unruled))).toThrow('Nobody may call this method.');
  expect(local(callOf('/rollcall.user.v1.UserService/CreateUser'))).toMatchObject({
    caller: { userId: '0', credential: 'local' },
  });
});

test('refuses several credentials, what is no bearer token, and one that is too long', async () => {
  const { authorize, denied } = administratorsOnly();
  const path = '/rollcall.user.v1.UserService/GetUser';
  const call = (...values: string[]): IncomingCall => {
    const metadata = new Metadata();
    for (const value of values) metadata.add('authorization', value);
    return { method: methodOf(path), metadata, peer: 'unknown' };
  };
  for (const values of [
    ['Bearer a', 'Bearer b'],
    ['Basic YTpi'],
    ['Bearer '],
    ['Bearer a b'],
    ['Bearer #hash'],
    ['Bearer @1'],
    [`Bearer ${'a'.repeat(8193)}`],
  ])
    await expect(authorize(call(...values))).rejects.toMatchObject({ reason: 'CREDENTIAL_INVALID' });
  await expect(authorize(call(`Bearer ${'a'.repeat(8192)}`))).resolves.toMatchObject({ caller: { userId: '1' } });
  expect(denied.map(({ reason }) => reason)).toEqual([
    'CREDENTIAL_INVALID: there are several',
    ...Array.from({ length: 5 }, () => 'CREDENTIAL_INVALID: it is no bearer token'),
    'CREDENTIAL_INVALID: it is too long',
  ]);
});
