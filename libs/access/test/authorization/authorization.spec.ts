import { Metadata, status as Status } from '@grpc/grpc-js';
import { type IncomingCall, RpcError } from '@rollcall/grpc';
import { type Method } from '@rollcall/contract';
import { rollcallContract, user } from '@rollcall/proto';
import { testingContract } from '@rollcall/contract/testing';
import { expect, test } from 'vitest';
import { defaultCallerLimits } from '../../src/authorization/environment.ts';
import { credentialInvalid } from '../../src/errors/access-errors.ts';
import {
  Authorization,
  type AuthorizationOptions,
  type Denial,
  localAuthorization,
} from '../../src/authorization/authorization.ts';
import { callAddress } from '../../src/addresses/call-address.ts';
import { CallerCache, type KnownCaller } from '../../src/callers/caller-cache.ts';
import { readTrustedProxies } from '../../src/addresses/trusted-proxies.ts';

const { USER_TYPE_ADMINISTRATOR, USER_TYPE_GUEST, USER_TYPE_NORMAL, USER_TYPE_UNSPECIFIED } = user.UserType;
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

/** An authorization over callers by their credentials, with small rates; what is not among them is not valid. */
function authorizationOf(
  known: Readonly<Record<string, Partial<KnownCaller>>>,
  redeem?: AuthorizationOptions['redeem'],
) {
  const denied: Denial[] = [];
  const asked: string[] = [];
  const callers = new CallerCache((credentials) => {
    asked.push(...credentials);
    return Promise.resolve(
      credentials.map((credential) => {
        const found = known[credential];
        return found === undefined
          ? credentialInvalid('it is unknown')
          : { userId: '1', type: USER_TYPE_NORMAL, credential: 'token' as const, expiresMs: Infinity, ...found };
      }),
    );
  });
  const rate = { perSecond: 0.001, burst: 5 };
  const limits = {
    callsPerCaller: { ...rate, burst: 8 },
    writesPerCaller: { ...rate, burst: 3 },
    callsPerAddress: rate,
    streamsPerCaller: 2,
  };
  const authorization = new Authorization({
    callers,
    limits,
    addressOf: ({ peer }) => peer,
    redeem,
    onDenied: (denial) => denied.push(denial),
  });
  const call = (path: string, credential?: string, peer = address): IncomingCall => {
    const metadata = new Metadata();
    if (credential !== undefined) metadata.set('authorization', `Bearer ${credential}`);
    return { method: methodOf(path), metadata, peer };
  };
  /** How many of so many calls are answered in which way. */
  const outcome = async (run: () => Promise<unknown>): Promise<string> =>
    run().then(
      () => 'OK',
      (error: unknown) => (error instanceof RpcError ? error.reason : String(error)),
    );
  const ask = (path: string, credential?: string, peer?: string): Promise<string> =>
    outcome(async () => authorization.authorize(call(path, credential, peer)));
  const check = (path: string, credential?: string, peer?: string): Promise<string> =>
    outcome(() => authorization.check(call(path, credential, peer)));
  const times = async (count: number, run: () => Promise<string>): Promise<Record<string, number>> => {
    const outcomes: Record<string, number> = {};
    for (let at = 0; at < count; at += 1) {
      const reason = await run();
      outcomes[reason] = (outcomes[reason] ?? 0) + 1;
    }
    return outcomes;
  };
  return { ask, check, times, denied, asked };
}

const getUser = '/rollcall.user.v1.UserService/GetUser';
const createUser = '/rollcall.user.v1.UserService/CreateUser';
const sendNote = '/rollcall.chat.v1.ChatService/SendNote';
const getCaller = '/rollcall.access.v1.AccessService/GetCaller';
const createSession = '/rollcall.access.v1.AccessService/CreateSession';
const lookUpCallers = '/rollcall.access.v1.CallerService/LookUpCallers';

test('lets a valid credential in whatever others of its address have sent', async () => {
  const { ask, times } = authorizationOf({ valid: {} });
  expect(await times(20, () => ask(getUser, 'bad'))).toEqual({ CREDENTIAL_INVALID: 5, RATE_LIMITED: 15 });
  expect(await times(20, () => ask(getUser))).toEqual({ SIGN_IN_REQUIRED: 5, RATE_LIMITED: 15 });
  expect(await ask(getUser, 'valid')).toBe('OK');
});

test('counts bad credentials of an IPv6 network together', async () => {
  const { ask, times } = authorizationOf({});
  let host = 0;
  const refused = { CREDENTIAL_INVALID: 5, RATE_LIMITED: 245 };
  expect(await times(250, () => ask(getUser, 'bad', `2001:db8:1:2::${(host += 1).toString(16)}`))).toEqual(refused);
  const anonymous = { SIGN_IN_REQUIRED: 5, RATE_LIMITED: 245 };
  expect(await times(250, () => ask(getUser, undefined, `2001:db8:1:2::${(host += 1).toString(16)}`))).toEqual(
    anonymous,
  );
});

test('leaves an address that asks too often who it is its signing in', async () => {
  const { ask, times } = authorizationOf({});
  expect(await times(20, () => ask(getCaller))).toEqual({ OK: 5, RATE_LIMITED: 15 });
  expect(await times(20, () => ask(getUser))).toEqual({ SIGN_IN_REQUIRED: 5, RATE_LIMITED: 15 });
  expect(await ask(createSession)).toBe('OK');
});

test('has no rate for the services of the system, and counts whom the directory does not know by address', async () => {
  const { ask, times } = authorizationOf({
    service: { userId: '0', credential: 'service', type: USER_TYPE_GUEST },
    stranger: { userId: '0', credential: 'oidc', type: USER_TYPE_UNSPECIFIED },
  });
  expect(await times(20, () => ask(getUser, 'stranger'))).toEqual({ NOT_PERMITTED: 5, RATE_LIMITED: 15 });
  expect(await times(100, () => ask(lookUpCallers, 'service'))).toEqual({ OK: 100 });
  expect(await ask(getUser, 'stranger', '10.0.0.2')).toBe('NOT_PERMITTED');
});

test('has a rate for the writes of a caller, and another for each kind of credential', async () => {
  const { ask, times } = authorizationOf({ token: {}, session: { credential: 'session' } });
  expect(await times(10, () => ask(sendNote, 'token'))).toEqual({ OK: 3, RATE_LIMITED: 7 });
  expect(await times(10, () => ask(getUser, 'token'))).toEqual({ OK: 5, RATE_LIMITED: 5 });
  expect(await ask(sendNote, 'session')).toBe('OK');
});

test('redeems a good ticket in the middle of a flood of bad ones', async () => {
  const good = { credential: '#made', as: 'ticket' as const };
  const { ask } = authorizationOf({ '#made': {} }, (credential) =>
    credential === 'rck_good' ? Promise.resolve(good) : Promise.reject(credentialInvalid('it is unknown')),
  );
  const watch = '/rollcall.user.v1.UserService/WatchUsers';
  const flood = Array.from({ length: 400 }, (_, index) => ask(watch, `rck_${index}`));
  expect(await ask(watch, 'rck_good')).toBe('OK');
  expect(new Set(await Promise.all(flood))).toEqual(new Set(['CREDENTIAL_INVALID', 'RATE_LIMITED']));
});

test('says of a call that is yet to be made what it will be answered, and takes nothing for what may be made', async () => {
  const { ask, check, times, denied } = authorizationOf({ token: {} });
  expect(await times(20, () => check(sendNote, 'token'))).toEqual({ OK: 20 });
  expect(await times(20, () => check(createSession))).toEqual({ OK: 20 });
  expect(denied).toEqual([]);
  expect(await check(createUser, 'token')).toBe('NOT_PERMITTED');
  expect(await check(createUser, 'bad')).toBe('CREDENTIAL_INVALID');
  expect(await check(createUser, 'rck_ticket')).toBe('CREDENTIAL_INVALID');
  expect(denied.map(({ method, caller: { userId } }) => [method, userId])).toEqual([
    ['rollcall.user.v1.UserService.CreateUser', '1'],
    ['rollcall.user.v1.UserService.CreateUser', '0'],
    ['rollcall.user.v1.UserService.CreateUser', '0'],
  ]);
  expect(await times(20, () => check(createUser))).toEqual({ SIGN_IN_REQUIRED: 5, RATE_LIMITED: 15 });
  expect(await times(10, () => ask(sendNote, 'token'))).toEqual({ OK: 2, RATE_LIMITED: 8 });
  expect(await check(sendNote, 'token')).toBe('RATE_LIMITED');
});

test.each([
  ['x-forwarded-for', '203.0.113.9'],
  ['x-forwarded-for', 'unknown'],
  ['x-real-ip', '127.0.0.1'],
  ['forwarded', 'for=127.0.0.1'],
  ['via', '1.1 proxy'],
  ['cf-connecting-ip', '127.0.0.1'],
  ['x-forwarded-host', 'localhost'],
])('takes no call with %s: %s for a local one in protected mode', (name, value) => {
  const local = localAuthorization(callAddress(readTrustedProxies({}), false));
  const metadata = new Metadata();
  metadata.set(name, value);
  expect(() => local({ method: methodOf(getUser), metadata, peer: '127.0.0.1:1' })).toThrow('come through no proxy');
  metadata.remove(name);
  metadata.set('x-forwarded-for', '::1'); // the gateway says so of a local caller
  expect(local({ method: methodOf(getUser), metadata, peer: '127.0.0.1:1' })).toMatchObject({
    caller: { credential: 'local', address: '::1' },
  });
});

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
