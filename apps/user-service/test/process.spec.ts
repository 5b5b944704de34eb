import { makeDirectory } from '@rollcall/test-servers';
import { expect, test } from 'vitest';
import { all, createUser, endWhile, environmentOf, makeDatabase, runMain, spawnService } from './service.ts';

test('has every user that it acknowledged after it was killed in the middle of writes', async () => {
  await using database = await makeDatabase();
  const acknowledged: string[] = [];
  {
    await using service = await spawnService(database);
    const enough = Promise.withResolvers<void>();
    const create = async (index: number): Promise<void> => {
      const { id } = await createUser(service.users, { name: `user ${index}`, email: `user${index}@example.com` });
      acknowledged.push(`${id} user ${index}`);
      if (acknowledged.length === 1000) enough.resolve();
    };
    const creates = Promise.allSettled(Array.from({ length: 3000 }, (_, index) => create(index)));
    await enough.promise;
    await service.end('SIGKILL');
    expect((await creates).some(({ status }) => status === 'rejected')).toBe(true); // it was in the middle
  }
  await using service = await spawnService(database);
  const messages = await all(service.users.exportUsers({ types: [], afterId: '0', filter: '' }));
  const stored = new Set(messages.flatMap(({ users }) => users.map(({ id, name }) => `${id} ${name}`)));
  expect(acknowledged.filter((each) => !stored.has(each))).toEqual([]);
  const next = await createUser(service.users, {});
  expect(Number(next.id)).toBe(stored.size + 1);
});

test('listens again on the unix socket of a service that was killed, and not on that of one that runs', async () => {
  using directory = makeDirectory();
  await using database = await makeDatabase();
  await using other = await makeDatabase();
  const listen = `unix://${directory.path}/grpc.sock`;
  {
    await using killed = await spawnService(database, listen);
    await killed.end('SIGKILL');
  }
  await using service = await spawnService(database, listen);
  const { code, stderr } = await runMain({ ...environmentOf(other), USER_LISTEN: listen });
  expect(code).toBe(1);
  expect(stderr).toBe(`user-service cannot start: USER_LISTEN: another process listens on ${listen}\n`);
  expect((await createUser(service.users, {})).id).toBe('1');
});

test.each([
  ['USER_LISTEN', '0.0.0.0:50051'],
  ['LOG_LEVEL', 'loud'],
  ['DATABASE_URL', 'mysql://localhost/users'],
  ['DATABASE_POOL_SIZE', '1'],
  ['DELETED_USERS_KEPT_DAYS', 'many'],
  ['CHANGES_KEPT_DAYS', '0'],
  ['DATA_DIR', '/dev/null/users'],
  ['DATA_DIR', '/proc/nowhere/users'], // where a recursive mkdir of Node never returns
])('does not start with a bad %s, and says so in one line', async (name, value) => {
  const { code, stderr } = await runMain({
    DATA_DIR: '/dev/null/users',
    ...(name === 'DATABASE_POOL_SIZE' && { DATABASE_URL: 'postgresql://localhost/users' }),
    [name]: value,
  });
  expect(code).toBe(1);
  expect(stderr).toMatch(new RegExp(`^user-service cannot start: ${name}: .+\n$`));
});

test.each([
  ['TLS_CERT', { TLS_CERT: '/nowhere/tls.crt', TLS_KEY: '/nowhere/tls.key' }],
  ['TLS_KEY', { TLS_CERT: '/nowhere/tls.crt' }],
  ['TLS_CA', { TLS_CA: '/nowhere/ca.crt' }],
])('does not start in plain text when TLS is asked for and %s is wrong, and says so in one line', async (name, env) => {
  const { code, stderr } = await runMain({ DATA_DIR: '/dev/null/users', ...env });
  expect(code).toBe(1);
  expect(stderr).toMatch(new RegExp(`^user-service cannot start: ${name}: .+\n$`));
});

test('does not start on an address in use, and says so in one line', async () => {
  await using database = await makeDatabase();
  await using other = await makeDatabase();
  await using service = await spawnService(database);
  const { code, stderr } = await runMain({ ...environmentOf(other), USER_LISTEN: service.address });
  expect(code).toBe(1);
  expect(stderr).toBe(`user-service cannot start: USER_LISTEN: another process listens on ${service.address}\n`);
});

test.each(['SIGTERM', 'SIGINT'] as const)('answers the calls under way and exits with 0 on %s', async (signal) => {
  await using database = await makeDatabase();
  await using service = await spawnService(database);
  const creates = Array.from({ length: 50 }, () => createUser(service.users, {}));
  await Promise.race(creates);
  const ended = service.end(signal);
  expect(await Promise.all(creates)).toHaveLength(50);
  expect(await ended).toBe(0);
});

test.each(['SIGTERM', 'SIGINT'] as const)('ends at once on %s while it waits for its database', async (signal) => {
  using directory = makeDirectory();
  const env = {
    DATABASE_URL: `postgresql://rollcall@localhost/users?host=${directory.path}`,
    USER_LISTEN: '127.0.0.1:0',
  };
  const line = '"waiting for the database of DATABASE_URL: connect ENOENT '; // with why, in JSON as all lines
  expect(await endWhile(env, line, signal)).toEqual({ code: 0, stderr: '' });
});
