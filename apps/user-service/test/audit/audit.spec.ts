import { NestFactory } from '@nestjs/core';
import { Metadata } from '@grpc/grpc-js';
import type { Caller } from '@rollcall/access';
import { GrpcServer } from '@rollcall/grpc';
import { type audit, tutorialUserManager, user, type userService } from '@rollcall/proto';
import { firstValueFrom, from, lastValueFrom } from 'rxjs';
import { makeDirectory } from '@rollcall/test-servers';
import { expect, test } from 'vitest';
import { AppModule } from '../../src/app.module.ts';
import { createUser as creation } from '../../src/users/create-user.ts';
import { deleteUser } from '../../src/users/delete-user.ts';
import { listAuditEntries } from '../../src/audit/list-audit-entries.ts';
import { openEngine, servedContracts } from '../../src/service.ts';
import { UsersStore } from '../../src/store/users.store.ts';
import type { UsersView } from '../../src/store/users/view.ts';
import {
  auditEntries,
  connect,
  createUser,
  failure,
  makeDatabase,
  newUser,
  openStore,
  startService,
} from '../service.ts';
import { readConfig } from '../../src/config.ts';
import { ServiceCallers } from '../../src/access/caller.controller.ts';
import { lookUpCallers } from '../../src/access/look-up-callers.ts';
import { claimReader } from '../../src/access/claims.ts';
import { Makers } from '../../src/access/makers.ts';
import { SignIn } from '../../src/access/sign-in.ts';
import { TokenRefusals } from '../../src/access/token-refusals.ts';
import { Tokens } from '../../src/access/tokens.ts';

const dayMs = 24 * 60 * 60 * 1000;

/** A service that believes who a call says that makes it, and the clients of a caller. */
async function startBelieving() {
  const directory = makeDirectory();
  const database = await makeDatabase();
  const store = await UsersStore.over(await openEngine(database));
  const strategy = new GrpcServer({
    errorDomain: 'rollcall',
    listen: `unix://${directory.path}/grpc.sock`,
    serve: servedContracts,
    authorize: ({ metadata }) => {
      const userId = String(metadata.get('x-test-user')[0] ?? '0');
      const caller: Caller = {
        userId,
        type: user.UserType.USER_TYPE_ADMINISTRATOR,
        credential: 'token',
        expiresMs: Infinity,
        address: `10.0.0.${userId}`,
      };
      return { caller };
    },
  });
  const { signIn } = readConfig({});
  const refusals = new TokenRefusals();
  const readClaim = claimReader(undefined, undefined, refusals);
  const makers = new Makers(readClaim, 0);
  const app = await NestFactory.createMicroservice(
    AppModule.over(
      store,
      dayMs,
      new ServiceCallers(
        lookUpCallers(store.credentials, readClaim, refusals),
        new Tokens(store.credentials, store.audit, makers),
        store.audit,
        () => Promise.resolve(),
      ),
      new SignIn(store.credentials, store.audit, makers, signIn),
      signIn,
    ),
    { strategy, logger: false },
  );
  await app.listen();
  const clients = connect(strategy.address);
  return {
    ...clients,
    by: (userId: number, requestId: string) => {
      const metadata = new Metadata();
      metadata.set('x-test-user', String(userId));
      metadata.set('x-request-id', requestId);
      return { metadata };
    },
    [Symbol.asyncDispose]: async () => {
      clients[Symbol.dispose]();
      await app.close();
      await database[Symbol.asyncDispose]();
      directory[Symbol.dispose]();
    },
  };
}

const row = (fields: Partial<user.User>, options: Partial<userService.ImportUsersRequest> = {}) => ({
  user: newUser(fields),
  dryRun: false,
  onConflict: 0,
  users: [],
  afterRow: '0',
  requestId: '',
  ...options,
});

/** What an entry says of a user: `1 Ada -> 1 Eve`. */
function shown({ changes }: audit.AuditEntry): string[] {
  const name = (one: user.User | null): string =>
    one === null ? '' : `${one.id} ${one.name}${one.deleteTime === null ? '' : ' deleted'}`;
  return changes.map(({ before, after }) => `${name(before)} -> ${name(after)}`);
}

test('has an entry for a write of every kind, with the user before and after, who called and how', async () => {
  await using service = await startBelieving();
  const { users, audit: client, by } = service;
  const first = await lastValueFrom(users.createUser({ user: newUser({ name: 'Ada' }), requestId: '' }, by(7, 'a')));
  await lastValueFrom(users.updateUser({ user: newUser({ id: '1', name: 'Eve' }), updateMask: ['name'] }, by(8, 'b')));
  await lastValueFrom(users.deleteUser({ id: '1', etag: '' }, by(9, 'c')));
  const last = await lastValueFrom(users.undeleteUser({ id: '1', etag: '' }, by(9, 'd')));
  const type = tutorialUserManager.User_UserType.NORMAL;
  const zaru = { id: 5, nickname: 'Zaru', mailAddress: '', userType: type };
  await lastValueFrom(service.manager.addUser(zaru, by(3, 'e')));
  await lastValueFrom(service.tutorial.createUser({ user: { name: 'Tom', email: '', age: 0 } }, by(4, 'f')));
  const entries = await auditEntries(client);
  expect(entries.map(({ method, callerId, requestId }) => [method, callerId, requestId])).toEqual([
    ['rollcall.user.v1.UserService.CreateUser', '7', 'a'],
    ['rollcall.user.v1.UserService.UpdateUser', '8', 'b'],
    ['rollcall.user.v1.UserService.DeleteUser', '9', 'c'],
    ['rollcall.user.v1.UserService.UndeleteUser', '9', 'd'],
    ['UserManager.AddUser', '3', 'e'],
    ['UserService.CreateUser', '4', 'f'],
  ]);
  expect(entries.flatMap(shown)).toEqual([
    ' -> 1 Ada',
    '1 Ada -> 1 Eve',
    '1 Eve -> 1 Eve deleted',
    '1 Eve deleted -> 1 Eve',
    ' -> 5 Zaru',
    ' -> 2 Tom',
  ]);
  expect(entries[0]).toMatchObject({
    seq: '1',
    credential: 'token',
    address: '10.0.0.7',
    code: 0,
    reason: '',
    count: 1,
    changes: [{ before: null, after: first.user }],
    note: '',
  });
  expect(entries[0]?.time).toEqual(first.user?.createTime);
  expect(entries[3]?.changes[0]?.after).toEqual(last.user);
  expect(entries.map(({ hash }) => hash.length)).toEqual([32, 32, 32, 32, 32, 32]);
});

test('has one entry for what a message of an import changes, however it changes it', async () => {
  await using service = await startBelieving();
  await createUser(service.users, { id: '1', name: 'Ada' });
  await createUser(service.users, { id: '2', name: 'Bob' });
  const users = [
    newUser({ id: '1', name: 'Eve' }), // updated
    newUser({ id: '2', name: 'Bob' }), // unchanged
    newUser({ id: '3', age: 151 }), // refused
    newUser({ id: '4', name: 'Kim' }), // created
    newUser({ id: '1', name: 'Eva' }), // updated again
  ];
  const sent = { ...row({}), user: null, users, onConflict: 3 };
  await lastValueFrom(service.users.importUsers(from([sent]), service.by(7, 'import')));
  const entries = (await auditEntries(service.audit)).slice(2);
  expect(entries.map(shown)).toEqual([['1 Ada -> 1 Eve', ' -> 4 Kim', '1 Eve -> 1 Eva']]);
  expect(entries[0]).toMatchObject({
    method: 'rollcall.user.v1.UserService.ImportUsers',
    callerId: '7',
    requestId: 'import',
  });
});

test('has no entry for what changes nothing: a dry run, a write that is refused, one that was made before', async () => {
  await using service = await startService();
  const { users } = service;
  const ada = await createUser(users, { id: '1', name: 'Ada', email: 'ada@example.com' }, 'key');
  await createUser(users, { id: '1', name: 'Ada', email: 'ada@example.com' }, 'key');
  const changes = { user: newUser({ id: '1', name: 'Ada' }), updateMask: ['name'] };
  expect((await firstValueFrom(users.updateUser(changes))).user).toEqual(ada);
  for (const refused of [
    users.createUser({ user: newUser({ id: '1' }), requestId: '' }),
    users.createUser({ user: newUser({ email: 'ADA@example.com' }), requestId: '' }),
    users.updateUser({ user: newUser({ id: '2', name: 'Eve' }), updateMask: ['name'] }),
    users.deleteUser({ id: '1', etag: 'another' }),
    users.undeleteUser({ id: '1', etag: '' }),
  ])
    await failure(refused);
  await lastValueFrom(users.importUsers(from([row({ name: 'Eve' }, { dryRun: true }), row({ id: '1', name: 'Eve' })])));
  await lastValueFrom(users.importUsers(from([row({ id: '1', name: 'Eve' }), row({ name: 'x', age: 200 })])));
  expect((await auditEntries(service.audit)).map(shown)).toEqual([[' -> 1 Ada']]);
});

test('knows the local administrator of protected mode, and the service itself outside of calls', async () => {
  await using service = await startService();
  await createUser(service.users, {});
  await service.store.write(creation(newUser(), ''));
  const [called, own] = await auditEntries(service.audit);
  expect(called).toMatchObject({
    callerId: '0',
    credential: 'local',
    method: 'rollcall.user.v1.UserService.CreateUser',
  });
  expect(own).toMatchObject({ callerId: '0', credential: 'system', method: '', requestId: '' });
});

test('has the users that were purged, some in an entry', async () => {
  let now = 1_700_000_000_000;
  await using opened = await openStore({ now: () => now });
  const { store } = opened;
  const ids = Array.from({ length: 700 }, (_, index) => String(index + 1));
  await Promise.all(ids.map((id) => store.write(creation(newUser({ id, name: 'Ada' }), ''))));
  await Promise.all(ids.slice(1).map((id) => store.write(deleteUser({ id, etag: '' }, dayMs))));
  now += 2 * dayMs;
  await store.maintenance.run();
  const latest = { pageSize: 2, pageToken: '', callerId: '0', deniedOnly: false };
  const { entries } = await listAuditEntries(store, latest);
  const purged = entries.flatMap(({ changes }) => changes);
  expect(purged.map(({ after }) => after)).toEqual(purged.map(() => null));
  expect(new Set(purged.map(({ before }) => before?.id))).toEqual(new Set(ids.slice(1)));
  expect(entries.map(({ changes }) => changes.length)).toEqual([199, 500]);
  expect(entries[0]).toMatchObject({ credential: 'system', code: 0, time: { seconds: String(now / 1000) } });
  expect(entries[0]?.note).toMatch(/^purged/);
});

test('says of each of many writers at once which writes were theirs', async () => {
  await using service = await startBelieving();
  const { users, by } = service;
  const write = async (caller: number): Promise<void> => {
    const requestId = (turn: number): string => `${caller}.${turn}`;
    const name = `of ${caller}`;
    await createUser(users, { id: String(caller), name: 'of 0' });
    for (let turn = 0; turn < 4; turn += 1) {
      const changes = { user: newUser({ id: String(caller), name, age: turn }), updateMask: ['name', 'age'] };
      await Promise.all([
        lastValueFrom(users.updateUser(changes, by(caller, requestId(turn)))),
        failure(users.updateUser({ ...changes, user: newUser({ id: '9999' }) }, by(caller, requestId(turn)))),
        lastValueFrom(users.importUsers(from([row({ name }), row({ name })]), by(caller, requestId(turn)))),
      ]);
    }
  };
  const callers = Array.from({ length: 40 }, (_, index) => index + 1);
  await Promise.all(callers.map(write));
  const entries = await auditEntries(service.audit);
  expect(entries.map(({ seq }) => Number(seq))).toEqual(entries.map((_, index) => index + 1));
  const changed = entries.flatMap(({ callerId, requestId, changes }) =>
    changes.map(({ after }) => [after?.name, callerId, requestId.split('.')[0]]),
  );
  const ofCalls = changed.filter(([name]) => name !== 'of 0');
  expect(ofCalls).toEqual(ofCalls.map(([name]) => [name, name?.slice(3), name?.slice(3)]));
  expect(ofCalls).toHaveLength(40 * 4 * 3);
  expect(changed).toHaveLength(40 + 40 * 4 * 3);
  for (const { changes } of entries) expect(changes.length).toBeGreaterThan(0);
});

test('has an entry once, also when a transaction is tried again write by write', async () => {
  await using opened = await openStore();
  const { store } = opened;
  const spoiling = {
    touched: { ids: [5n] },
    apply: (view: UsersView) => {
      const spoilt = creation(newUser({ id: '5' }), '').apply(view);
      const change = view.changes.at(-1);
      if (change !== undefined) Object.assign(change.after, { name: null }); // which no database takes
      return spoilt;
    },
  };
  const outcomes = await Promise.allSettled([
    store.write(creation(newUser({ id: '1', name: 'Ada' }), '')),
    store.write(spoiling),
    store.write(creation(newUser({ id: '3', name: 'Kim' }), '')),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  const { rows } = await store.audit.page({ callerId: 0n, deniedOnly: false }, undefined, 10);
  expect(rows.map(({ seq }) => seq)).toEqual([2n, 1n]);
});
