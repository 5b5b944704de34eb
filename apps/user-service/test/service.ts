import 'reflect-metadata';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type CallOptions, GrpcChannel, RpcError, type health, type reflection } from '@rollcall/grpc';
import {
  type access,
  type audit,
  type callers,
  rollcallContract,
  tutorialUserManager,
  tutorialUserManagerContract,
  type tutorialUserService,
  tutorialUserServiceContract,
  type user,
  type userService,
} from '@rollcall/proto';
import { makeDirectory } from '@rollcall/test-servers';
import { firstValueFrom, lastValueFrom, type Observable, toArray } from 'rxjs';
import { type Config, readConfig } from '../src/config.ts';
import type { Database } from '../src/store/engine/database.ts';
import { createService, openEngine } from '../src/service.ts';
import { UsersStore, type UsersStoreOptions } from '../src/store/users.store.ts';
import { createPostgresDatabase, testedEngine } from './engines.ts';

/** The clients of a service. */
export function connect(target: string) {
  const channel = new GrpcChannel(target, { defaultDeadlineMs: 60_000 }); // for a busy machine
  return {
    access: channel.client<access.AccessServiceClient>(rollcallContract, 'rollcall.access.v1.AccessService'),
    callers: channel.client<callers.CallerServiceClient>(rollcallContract, 'rollcall.access.v1.CallerService'),
    users: channel.client<userService.UserServiceClient>(rollcallContract, 'rollcall.user.v1.UserService'),
    audit: channel.client<audit.AuditServiceClient>(rollcallContract, 'rollcall.audit.v1.AuditService'),
    manager: channel.client<tutorialUserManager.UserManagerClient>(tutorialUserManagerContract, 'UserManager'),
    tutorial: channel.client<tutorialUserService.UserServiceClient>(tutorialUserServiceContract, 'UserService'),
    health: channel.client<health.HealthClient>(rollcallContract, 'grpc.health.v1.Health'),
    reflection: channel.client<reflection.ServerReflectionClient>(
      rollcallContract,
      'grpc.reflection.v1.ServerReflection',
    ),
    [Symbol.dispose]: () => channel.close(),
  };
}

/** An empty database of the engine that is tested. */
export async function makeDatabase(): Promise<Database & AsyncDisposable> {
  const dispose = (): Promise<void> => Promise.resolve();
  if (testedEngine === 'postgres')
    return { engine: 'postgres', url: await createPostgresDatabase(), poolSize: 4, [Symbol.asyncDispose]: dispose };
  const directory = makeDirectory();
  return {
    engine: 'sqlite',
    dataDir: directory.path,
    [Symbol.asyncDispose]: () => Promise.resolve(directory[Symbol.dispose]()),
  };
}

/** The environment that names a database. */
export function environmentOf(database: Database): Record<string, string> {
  return database.engine === 'sqlite' ? { DATA_DIR: database.dataDir } : { DATABASE_URL: database.url };
}

const dayMs = 24 * 60 * 60 * 1000;

/** Starts the service in this process, on a unix socket, over a database of its own unless one is given. */
export async function startService(database?: Database, config: Partial<Config> = {}) {
  const directory = makeDirectory();
  const listen = `unix://${directory.path}/grpc.sock`;
  const own = database === undefined ? await makeDatabase() : undefined;
  const { app, server, firstLink } = await createService({
    ...readConfig({}),
    listen,
    database: database ?? (own as Database),
    keepDeletedMs: 30 * dayMs,
    keepChangesMs: 7 * dayMs,
    logLevels: ['fatal'],
    ...config,
    signIn: { ...(config.signIn ?? readConfig({}).signIn), serviceTokenFile: `${directory.path}/service-token` },
  });
  await app.listen();
  const clients = connect(server.address);
  return {
    ...clients,
    address: server.address,
    firstLink,
    store: app.get(UsersStore),
    close: () => app.close(),
    [Symbol.asyncDispose]: async () => {
      clients[Symbol.dispose]();
      await app.close();
      await own?.[Symbol.asyncDispose]();
      directory[Symbol.dispose]();
    },
  };
}

/** Opens the store alone, over a database of its own unless one is given. */
export async function openStore(options: UsersStoreOptions = {}, database?: Database) {
  const own = database === undefined ? await makeDatabase() : undefined;
  const engine = await openEngine(database ?? (own as Database));
  const store = await UsersStore.over(engine, options);
  return {
    store,
    engine,
    [Symbol.asyncDispose]: async () => {
      await store.onApplicationShutdown();
      await own?.[Symbol.asyncDispose]();
    },
  };
}

/** Starts the built service as a process, and waits until it listens. It is killed at the end if it still runs. */
export async function spawnService(database: Database, listen = '127.0.0.1:0', nodeOptions: readonly string[] = []) {
  const child = spawnMain({ ...environmentOf(database), USER_LISTEN: listen }, nodeOptions);
  const exited = once(child, 'exit');
  let address: string | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    address = /listening on ([^"]+)/.exec(line)?.[1];
    if (address !== undefined) break;
  }
  if (address === undefined) throw new Error('the service did not start');
  child.stdout.resume();
  const clients = connect(address);
  const end = async (signal: NodeJS.Signals): Promise<unknown> => {
    child.kill(signal);
    const [code] = await exited;
    return code;
  };
  return {
    ...clients,
    address,
    pid: child.pid ?? 0,
    end,
    [Symbol.asyncDispose]: async () => {
      clients[Symbol.dispose]();
      await end('SIGKILL');
    },
  };
}

/** Runs the built service until it exits, and gives its exit code and what it wrote to stderr. */
export async function runMain(env: Record<string, string>): Promise<{ code: unknown; stderr: string }> {
  const child = spawnMain(env);
  child.stdout.resume();
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = await once(child, 'close');
  return { code, stderr };
}

/** Runs the built service until it says something, and ends it. */
export async function endWhile(
  env: Record<string, string>,
  says: string,
  signal: NodeJS.Signals,
): Promise<{ code: unknown; stderr: string }> {
  const child = spawnMain(env);
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const closed = once(child, 'close');
  for await (const line of createInterface({ input: child.stdout })) if (line.includes(says)) child.kill(signal);
  const [code] = await closed;
  return { code, stderr };
}

function spawnMain(
  env: Record<string, string>,
  nodeOptions: readonly string[] = [],
): ChildProcess & { stdout: NonNullable<ChildProcess['stdout']>; stderr: NonNullable<ChildProcess['stderr']> } {
  const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
  return spawn(process.execPath, [...nodeOptions, main], {
    env: { ...env, PATH: process.env['PATH'], NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** A whole user message of which some fields are given. */
export function newUser(fields: Partial<user.User> = {}): user.User {
  const unset = { createTime: null, updateTime: null, deleteTime: null, purgeTime: null };
  return { id: '0', name: 'Ada', email: '', type: 0, etag: '', ...unset, ...fields };
}

/** Creates a user over v1, and gives it as stored. */
export async function createUser(
  client: userService.UserServiceClient,
  fields: Partial<user.User>,
  requestId = '',
): Promise<user.User> {
  const { user: created } = await firstValueFrom(client.createUser({ user: newUser(fields), requestId }));
  if (created === null) throw new Error('no user was answered');
  return created;
}

/** The whole audit log, the earliest entry first. */
export async function auditEntries(
  client: audit.AuditServiceClient,
  asked: Partial<audit.ListAuditEntriesRequest> = {},
  options: CallOptions = {},
): Promise<audit.AuditEntry[]> {
  const entries: audit.AuditEntry[] = [];
  const query = { pageSize: 1000, callerId: '0', deniedOnly: false, ...asked };
  for (let pageToken: string | undefined = ''; pageToken !== undefined;) {
    const page: audit.ListAuditEntriesResponse = await firstValueFrom(
      client.listAuditEntries({ ...query, pageToken }, options),
    );
    entries.push(...page.entries);
    pageToken = page.nextPageToken === '' ? undefined : page.nextPageToken;
  }
  return entries.toReversed();
}

/** Waits until a figure stays the same, while other calls give the service many turns. The test's own limit ends the wait. */
export async function settled(
  { users }: { readonly users: userService.UserServiceClient },
  figure: () => number,
): Promise<number> {
  for (let same = 0, last = figure(); ; last = figure()) {
    for (let call = 0; call < 50; call += 1) await firstValueFrom(users.batchGetUsers({ ids: ['1'] }));
    same = figure() === last ? same + 1 : 0;
    if (same === 5) return last;
  }
}

/** All that a call answers. */
export function all<T>(answers: Observable<T>): Promise<T[]> {
  return lastValueFrom(answers.pipe(toArray()));
}

/** The error that a call ends with. */
export async function failure(call: Observable<unknown>): Promise<RpcError> {
  const error: unknown = await lastValueFrom(call, { defaultValue: undefined }).then(
    () => new Error('the call did not fail'),
    (caught: unknown) => caught,
  );
  if (error instanceof RpcError) return error;
  throw error;
}

/** The tutorial's sample data. */
export const sampleUsers: readonly tutorialUserManager.User[] = [
  {
    id: 1,
    nickname: 'admin',
    mailAddress: 'admin@example.com',
    userType: tutorialUserManager.User_UserType.ADMINISTRATOR,
  },
  { id: 2, nickname: 'guest', mailAddress: 'guest@example.com', userType: tutorialUserManager.User_UserType.GUEST },
  { id: 3, nickname: 'foo', mailAddress: 'foo@example.com', userType: tutorialUserManager.User_UserType.NORMAL },
  { id: 4, nickname: 'troll', mailAddress: 'troll@example.com', userType: tutorialUserManager.User_UserType.DISABLED },
  { id: 5, nickname: 'Zaru', mailAddress: 'zaru@example.com', userType: tutorialUserManager.User_UserType.NORMAL },
  { id: 6, nickname: 'Saru', mailAddress: 'saru@example.com', userType: tutorialUserManager.User_UserType.NORMAL },
];
