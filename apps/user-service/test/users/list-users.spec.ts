import { status as Status } from '@grpc/grpc-js';
import { user, type userService } from '@rollcall/proto';
import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';
import { createUser, failure, newUser, startService } from '../service.ts';

type Service = Awaited<ReturnType<typeof startService>>;
const { USER_TYPE_NORMAL: NORMAL, USER_TYPE_GUEST: GUEST } = user.UserType;

const everything = { pageSize: 0, pageToken: '', filter: '', orderBy: '', showDeleted: false, showTotal: false };

function list(
  service: Service,
  request: Partial<userService.ListUsersRequest> = {},
): Promise<userService.ListUsersResponse> {
  return firstValueFrom(service.users.listUsers({ ...everything, ...request }));
}

/** Walks all pages, with something in between. */
async function walk(
  service: Service,
  request: Partial<userService.ListUsersRequest>,
  between: () => Promise<unknown> = () => Promise.resolve(),
): Promise<user.User[]> {
  const users: user.User[] = [];
  for (let pageToken = ''; ;) {
    const page = await list(service, { ...request, pageToken });
    users.push(...page.users);
    pageToken = page.nextPageToken;
    if (pageToken === '') return users;
    await between();
  }
}

const ids = (users: readonly user.User[]): string[] => users.map(({ id }) => id);

async function addSample(service: Service): Promise<void> {
  const rows: Partial<user.User>[] = [
    { id: '1', name: 'Zoe', email: 'zoe@example.com', age: 30, type: GUEST },
    { id: '2', name: 'adam', age: 20 },
    { id: '3', name: 'Ada', email: 'ada@example.com', age: 30 },
    { id: '4', name: 'Bea', email: 'BEA@example.com', type: GUEST },
    { id: '5', name: 'ada' },
    { id: '6', name: 'Ünal', age: 0 },
  ];
  for (const row of rows) await createUser(service.users, row);
}

test('gives 50 users by id, and a token for the rest', async () => {
  await using service = await startService();
  await Promise.all(Array.from({ length: 120 }, (_, index) => createUser(service.users, { id: String(index + 1) })));
  const first = await list(service);
  expect(ids(first.users)).toEqual(Array.from({ length: 50 }, (_, index) => String(index + 1)));
  expect(first.totalSize).toBeUndefined();
  expect(ids(await walk(service, {}))).toEqual(Array.from({ length: 120 }, (_, index) => String(index + 1)));
  expect((await list(service, { pageSize: 120 })).nextPageToken).toBe('');
  expect((await list(service, { pageSize: 5000 })).users).toHaveLength(120);
});

test.each([
  ['', '123456'],
  ['id desc', '654321'],
  ['name', '352416'],
  ['name desc', '614253'],
  ['email, name', '526341'],
  ['age', '456213'],
  ['age desc, id', '132645'],
  ['type desc, name desc', '146253'],
  ['type, id desc', '653241'],
  ['createTime desc', '654321'],
  ['update_time', '123456'],
])('orders by "%s"', async (orderBy, expected) => {
  await using service = await startService();
  await addSample(service);
  expect(ids(await walk(service, { orderBy, pageSize: 2 })).join('')).toBe(expected);
  expect(ids(await walk(service, { orderBy, pageSize: 1 })).join('')).toBe(expected);
});

test.each([
  ['name = "Ada"', '3'],
  ['name:ada', '235'],
  ['email = "bea@EXAMPLE.com"', '4'],
  ['email:*', '134'],
  ['NOT email:*', '256'],
  ['age >= 20 AND age < 31', '123'],
  ['age = 30 type = GUEST', '1'],
  ['type = GUEST OR age = 20', '124'],
  ['name:ünal', '6'],
  ['name = "A*"', '3'],
  ['NOT age > 10', '456'],
])('filters by %s', async (filter, expected) => {
  await using service = await startService();
  await addSample(service);
  const pages = await walk(service, { filter, pageSize: 2 });
  expect(ids(pages).join('')).toBe(expected);
  expect((await list(service, { filter, showTotal: true, pageSize: 1 })).totalSize).toBe(String(pages.length));
  expect(
    ids(await walk(service, { filter, orderBy: 'name desc, id', pageSize: 1 }))
      .toSorted()
      .join(''),
  ).toBe(expected);
});

test('hides deleted users unless they are asked for, in every order', async () => {
  await using service = await startService();
  await addSample(service);
  for (const id of ['2', '4']) await firstValueFrom(service.users.deleteUser({ id, etag: '' }));
  expect(ids(await walk(service, {}))).toEqual(['1', '3', '5', '6']);
  for (const [orderBy, expected] of [
    ['', '123456'],
    ['name desc', '614253'],
    ['delete_time desc, id', '421356'],
  ] as const)
    expect(ids(await walk(service, { orderBy, showDeleted: true, pageSize: 2 })).join('')).toBe(expected);
  expect(ids(await walk(service, { filter: 'type = GUEST', showDeleted: true, orderBy: 'name' }))).toEqual(['4', '1']);
  expect((await list(service, { showDeleted: true, showTotal: true })).totalSize).toBe('6');
  expect((await list(service, { showTotal: true })).totalSize).toBe('4');
});

test('refuses a page token that was changed, made up, or belongs to another query', async () => {
  await using service = await startService();
  await addSample(service);
  const { nextPageToken } = await list(service, { pageSize: 2, filter: 'age >= 0', orderBy: 'name' });
  const same = { pageToken: nextPageToken, filter: 'age >= 0', orderBy: 'name' };
  expect(ids((await list(service, { ...same, pageSize: 9 })).users)).toEqual(['1', '6']);
  const flipped = `${nextPageToken.startsWith('A') ? 'B' : 'A'}${nextPageToken.slice(1)}`;
  for (const other of [
    { ...same, filter: 'age >= 1' },
    { ...same, orderBy: 'age' },
    { ...same, showDeleted: true },
    { ...same, pageToken: flipped },
    { pageToken: 'x' },
    { pageToken: Buffer.from('[1]').toString('base64url') },
  ]) {
    const error = await failure(service.users.listUsers({ ...everything, ...other }));
    expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT, reason: 'INVALID_FIELD' });
    expect(error.details.violations?.[0]?.field).toBe('page_token');
  }
});

test.each([
  [{ pageSize: -1 }, 'page_size'],
  [{ filter: 'height > 3' }, 'filter'],
  [{ filter: 'age > "x"' }, 'filter'],
  [{ orderBy: 'height' }, 'order_by'],
])('answers INVALID_ARGUMENT for %o, naming the field', async (request, field) => {
  await using service = await startService();
  const error = await failure(service.users.listUsers({ ...everything, ...request }));
  expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT });
  expect(error.details.violations?.[0]?.field).toBe(field);
});

/** A small generator of numbers that gives the same ones for the same seed. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
}

test.each(['id', 'name', 'name desc', 'age desc, name', 'type, id desc'])(
  'neither skips nor repeats who stays as they are, ordered by %s, while others come, change and go',
  { timeout: 60_000 },
  async (orderBy) => {
    await using service = await startService();
    const pick = random(orderBy.length);
    const write = async (id: number): Promise<void> => {
      const fields = { name: `n${pick(5)}`, age: pick(4), type: pick(2) === 0 ? NORMAL : GUEST };
      await createUser(service.users, { id: String(id), ...fields });
    };
    await Promise.all(Array.from({ length: 300 }, (_, index) => write(index + 1)));
    const staying = new Set(Array.from({ length: 100 }, (_, index) => String(index * 3 + 1)));
    let next = 1000;
    const disturb = async (): Promise<void> => {
      const id = String(pick(300) + 1);
      const other = newUser({ id, name: `n${pick(9)}`, age: pick(9) });
      if (!staying.has(id))
        await firstValueFrom(
          pick(2) === 0
            ? service.users.updateUser({ user: other, updateMask: ['name', 'age'] })
            : service.users.deleteUser({ id, etag: '' }),
        ).catch(() => undefined); // it may be deleted already
      await write((next += 1));
    };
    for (const filter of ['', 'age < 3']) {
      const expected = (await walk(service, { filter, orderBy })).filter(({ id }) => staying.has(id));
      const seen = await walk(service, { filter, orderBy, pageSize: 7 }, disturb);
      expect(ids(seen.filter(({ id }) => staying.has(id)))).toEqual(ids(expected));
      const { totalSize } = await list(service, { filter, showTotal: true });
      expect(totalSize).toBe(String((await walk(service, { filter, orderBy, pageSize: 1000 })).length));
    }
  },
);
