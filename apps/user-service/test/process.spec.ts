import { expect, test } from 'vitest';
import { all, createUser, makeDirectory, runMain, spawnService } from './service.ts';

test('has every user that it acknowledged after it was killed in the middle of writes', async () => {
  using directory = makeDirectory();
  const acknowledged: string[] = [];
  {
    await using service = await spawnService(directory.path);
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
  await using service = await spawnService(directory.path);
  const messages = await all(service.users.exportUsers({ types: [], afterId: '0', filter: '' }));
  const stored = new Set(messages.flatMap(({ users }) => users.map(({ id, name }) => `${id} ${name}`)));
  expect(acknowledged.filter((each) => !stored.has(each))).toEqual([]);
  const next = await createUser(service.users, {});
  expect(Number(next.id)).toBe(stored.size + 1);
});

test('listens again on the unix socket of a service that was killed, and not on that of one that runs', async () => {
  using directory = makeDirectory();
  using other = makeDirectory();
  const listen = `unix://${directory.path}/grpc.sock`;
  {
    await using killed = await spawnService(directory.path, listen);
    await killed.end('SIGKILL');
  }
  await using service = await spawnService(directory.path, listen);
  const { code, stderr } = await runMain({ DATA_DIR: other.path, USER_LISTEN: listen });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^user-service cannot start: cannot listen on .+\n$/);
  expect((await createUser(service.users, {})).id).toBe('1');
});

test('refuses a directory that another process has open, with one line and exit code 1', async () => {
  using directory = makeDirectory();
  await using service = await spawnService(directory.path);
  const { code, stderr } = await runMain({ DATA_DIR: directory.path, USER_LISTEN: '127.0.0.1:0' });
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: `user-service cannot start: cannot open ${directory.path}/users.sqlite: another process has it open\n`,
  });
  expect((await createUser(service.users, {})).id).toBe('1');
});

test.each([
  ['USER_LISTEN', '0.0.0.0:50051'],
  ['LOG_LEVEL', 'loud'],
  ['DATA_DIR', '/dev/null/users'],
  ['DATA_DIR', '/proc/nowhere/users'], // where a recursive mkdir of Node never returns
])('does not start with a bad %s, and says so in one line', async (name, value) => {
  const { code, stderr } = await runMain({ DATA_DIR: '/dev/null/users', [name]: value });
  expect(code).toBe(1);
  expect(stderr).toMatch(new RegExp(`^user-service cannot start: ${name}: .+\n$`));
});

test('does not start on an address in use, and says so in one line', async () => {
  using directory = makeDirectory();
  using other = makeDirectory();
  await using service = await spawnService(directory.path);
  const { code, stderr } = await runMain({ DATA_DIR: other.path, USER_LISTEN: service.address });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^user-service cannot start: cannot listen on .+\n$/);
});

test.each(['SIGTERM', 'SIGINT'] as const)('answers the calls under way and exits with 0 on %s', async (signal) => {
  using directory = makeDirectory();
  await using service = await spawnService(directory.path);
  const creates = Array.from({ length: 50 }, () => createUser(service.users, {}));
  await Promise.race(creates);
  const ended = service.end(signal);
  expect(await Promise.all(creates)).toHaveLength(50);
  expect(await ended).toBe(0);
});
