import { status as Status } from '@grpc/grpc-js';
import { fromIterable, toAsyncIterable } from '@rollcall/grpc';
import { user, type userService } from '@rollcall/proto';
import { concat, firstValueFrom, from, of, Subject, tap } from 'rxjs';
import { expect, test, vi } from 'vitest';
import { createUser as creation } from '../../src/users/create-user.ts';
import { everyone } from '../../src/query/filter/filter.ts';
import { all, createUser, failure, newUser, settled, startService } from '../service.ts';

const { USER_TYPE_NORMAL: NORMAL, USER_TYPE_GUEST: GUEST, USER_TYPE_ADMINISTRATOR: ADMINISTRATOR } = user.UserType;
const everything = { types: [], afterId: '0', filter: '' };

type Service = Awaited<ReturnType<typeof startService>>;

/** Puts users with long names into the store: ids from 1, the types in turn. */
async function addUsers({ store }: Service, count: number, types = [NORMAL]): Promise<void> {
  const name = 'n'.repeat(200);
  const add = (_: unknown, index: number) =>
    store.write(creation(newUser({ id: String(index + 1), name, type: types[index % types.length] ?? NORMAL }), ''));
  await Promise.all(Array.from({ length: count }, add));
}

function idsOf(messages: readonly userService.ExportUsersResponse[]): string[] {
  return messages.flatMap(({ users }) => users.map(({ id }) => id));
}

/** Gives the server many turns, in which a stream without a brake would run to its end. */
async function exchangeCalls(service: Service): Promise<void> {
  for (let call = 0; call < 100; call += 1) await firstValueFrom(service.users.getUser({ id: '1' }));
}

test('exports every user once, by id, several to a message', async () => {
  await using service = await startService();
  await addUsers(service, 1050);
  await createUser(service.users, { id: '9007199254740993' });
  const messages = await all(service.users.exportUsers(everything));
  expect(messages.length).toBeLessThan(30);
  expect(idsOf(messages)).toEqual([
    ...Array.from({ length: 1050 }, (_, index) => String(index + 1)),
    '9007199254740993',
  ]);
});

test('exports the users of some types', async () => {
  await using service = await startService();
  await addUsers(service, 1200, [NORMAL, GUEST, ADMINISTRATOR]);
  const guests = idsOf(await all(service.users.exportUsers({ ...everything, types: [GUEST, GUEST] })));
  expect(guests).toEqual(Array.from({ length: 400 }, (_, index) => String(3 * index + 2)));
  const others = idsOf(await all(service.users.exportUsers({ ...everything, types: [ADMINISTRATOR, NORMAL] })));
  expect(others).toHaveLength(800);
  expect(others.toSorted((a, b) => Number(a) - Number(b))).toEqual(others);
});

test('goes on with an export behind a user', async () => {
  await using service = await startService();
  await addUsers(service, 5);
  expect(idsOf(await all(service.users.exportUsers({ ...everything, afterId: '3' })))).toEqual(['4', '5']);
  expect(idsOf(await all(service.users.exportUsers({ ...everything, afterId: '9223372036854775807' })))).toEqual([]);
});

test('refuses an export by a type that is none, or by a filter that cannot be read', async () => {
  await using service = await startService();
  for (const types of [[0], [9]]) {
    expect(await failure(service.users.exportUsers({ ...everything, types }))).toMatchObject({
      code: Status.INVALID_ARGUMENT,
    });
  }
  const error = await failure(service.users.exportUsers({ ...everything, filter: 'height > 3' }));
  expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT, reason: 'INVALID_FIELD' });
});

test('reads no further pages while the reader of an export is slow, and exports all in the end', async () => {
  await using service = await startService();
  await addUsers(service, 10_000);
  const readPage = vi.spyOn(service.store.pages, 'readBehind');
  const reader = toAsyncIterable(service.users.exportUsers(everything));
  const first = await reader.next();
  await exchangeCalls(service);
  const pages = readPage.mock.calls.length;
  await exchangeCalls(service);
  expect(readPage.mock.calls.length).toBe(pages);
  expect(pages).toBeLessThan(20);
  let exported = first.value?.users.length ?? 0;
  for await (const { users } of reader) exported += users.length;
  expect(exported).toBe(10_000);
  expect(readPage.mock.calls.length).toBeGreaterThanOrEqual(20); // of 500 at the most
});

test('stops reading pages when an export is cancelled', async () => {
  await using service = await startService();
  await addUsers(service, 10_000);
  const readPage = vi.spyOn(service.store.pages, 'readBehind');
  for await (const { users } of toAsyncIterable(service.users.exportUsers(everything))) {
    expect(users[0]?.id).toBe('1');
    break;
  }
  await exchangeCalls(service);
  expect(readPage.mock.calls.length).toBeLessThan(20);
});

test('ends an export with an error that tells nothing of its cause when the store fails half-way', async () => {
  await using service = await startService();
  await addUsers(service, 600);
  const readPage = service.store.pages.readBehind.bind(service.store.pages);
  vi.spyOn(service.store.pages, 'readBehind').mockImplementation((id, filter) =>
    id === 0n ? readPage(id, filter) : Promise.reject(new Error('SQLITE_IOERR at /secret')),
  );
  const seen: userService.ExportUsersResponse[] = [];
  const error = await failure(service.users.exportUsers(everything).pipe(tap((message) => seen.push(message))));
  expect(error).toMatchObject({
    code: Status.INTERNAL,
    reason: 'INTERNAL',
    message: expect.not.stringContaining('secret'),
  });
  expect(idsOf(seen)).toHaveLength((await readPage(0n, everyone)).rows.length);
});

test('answers each question before the next one is asked', async () => {
  await using service = await startService();
  const ada = await createUser(service.users, { id: '1' });
  const questions = new Subject<userService.LookupUsersRequest>();
  const answers = toAsyncIterable(service.users.lookupUsers(questions));
  for (const [id, found] of [
    ['1', ada],
    ['2', null],
    ['1', ada],
  ] as const) {
    const answer = answers.next();
    questions.next({ id });
    expect((await answer).value).toEqual({ results: [{ id, found: found !== null, user: found }] });
  }
  questions.complete();
  expect((await answers.next()).done).toBe(true);
});

test('answers many questions in their order, several to a message', async () => {
  await using service = await startService();
  await addUsers(service, 500);
  const ids = Array.from({ length: 2000 }, (_, index) => String(((index * 7) % 1000) + 1));
  const messages = await all(service.users.lookupUsers(from(ids.map((id) => ({ id })))));
  const results = messages.flatMap((message) => message.results);
  expect(results.map(({ id }) => id)).toEqual(ids);
  expect(
    results.every(({ id, found, user: answered }) => found === Number(id) <= 500 && (answered?.id ?? id) === id),
  ).toBe(true);
  expect(messages.length).toBeLessThan(2000);
});

test('takes no more questions while the reader of a lookup is slow', async () => {
  await using service = await startService();
  await addUsers(service, 1);
  let asked = 0;
  const questions = fromIterable(function* () {
    for (;;) yield { id: String((asked += 1)) };
  });
  const answers = toAsyncIterable(service.users.lookupUsers(questions));
  await answers.next();
  expect(await settled(service, () => asked)).toBeLessThan(50_000);
  await answers.return();
});

test('ends a lookup with INVALID_ARGUMENT when an id is wrong', async () => {
  await using service = await startService();
  const questions = concat(of({ id: '1' }, { id: '0' }), new Subject<never>());
  expect(await failure(service.users.lookupUsers(questions))).toMatchObject({ code: Status.INVALID_ARGUMENT });
});

test('goes on serving when a lookup is cancelled', async () => {
  await using service = await startService();
  await createUser(service.users, { id: '1' });
  for await (const { results } of toAsyncIterable(
    service.users.lookupUsers(concat(of({ id: '1' }), new Subject<never>())),
  )) {
    expect(results[0]?.found).toBe(true);
    break;
  }
  expect((await firstValueFrom(service.users.getUser({ id: '1' }))).user?.id).toBe('1');
});
