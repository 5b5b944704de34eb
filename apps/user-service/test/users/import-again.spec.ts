import { status as Status } from '@grpc/grpc-js';
import { user, userService } from '@rollcall/proto';
import { concat, firstValueFrom, from, NEVER, tap } from 'rxjs';
import { expect, test, vi } from 'vitest';
import { importUsers } from '../../src/users/import/import-users.ts';
import { all, failure, makeDatabase, newUser, openStore, startService } from '../service.ts';
import { administrator, by, createUserAs, sessionOf, startWithSignIn } from '../access/signed-in.ts';

type Row = userService.ImportUsersRequest;
type Client = Awaited<ReturnType<typeof startService>>['users'];
const { OUTCOME_CREATED, OUTCOME_FAILED, OUTCOME_UNCHANGED } = userService.ImportResult_Outcome;

/** A message with a user of each name. */
const part = (requestId: string, names: readonly string[], options: Partial<Row> = {}): Row => ({
  user: null,
  dryRun: false,
  onConflict: 0,
  users: names.map((name) => newUser({ name })),
  afterRow: '0',
  requestId,
  ...options,
});

const numbered = (count: number, prefix = 'User'): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix} ${index + 1}`);

async function imported(users: Client, rows: readonly Row[], credential?: string) {
  const answers = await all(users.importUsers(from(rows), credential === undefined ? {} : by(credential)));
  return answers.flatMap(({ results }) => results);
}

async function countOf(users: Client, credential?: string): Promise<number> {
  const everything = { types: [], afterId: '0', filter: '' };
  const answers = await all(users.exportUsers(everything, credential === undefined ? {} : by(credential)));
  return answers.flatMap((answer) => answer.users).length;
}

test('a part that was stored and lost its answer is answered as created when it is sent again', async () => {
  await using database = await makeDatabase();
  await using service = await startService(database);
  const parts = [part('a', numbered(500)), part('b', numbered(500)), part('c', numbered(20))];
  // The connection is cut after the commit: the first answer proves it, and is thrown away with the call.
  await firstValueFrom(service.users.importUsers(concat(from(parts.slice(0, 2)), NEVER)));
  const results = await imported(service.users, parts);
  expect(results.map(({ row }) => row)).toEqual(Array.from({ length: 1020 }, (_, index) => String(index + 1)));
  expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set([OUTCOME_CREATED]));
  expect(new Set(results.map(({ id }) => id)).size).toBe(1020);
  expect(await countOf(service.users)).toBe(1020);
});

test('parts are sent again without those that were answered, also after a restart, and have rows of their own numbers', async () => {
  await using database = await makeDatabase();
  const parts = [part('a', ['Ada']), part('b', ['Bob', 'Bea']), part('c', ['Cid'])];
  let first: userService.ImportResult[];
  {
    await using service = await startService(database);
    first = await imported(service.users, parts);
  }
  await using service = await startService(database);
  const again = await imported(service.users, parts.slice(1));
  expect(again).toEqual(first.slice(1).map((result, index) => ({ ...result, row: String(index + 1) })));
  expect(await countOf(service.users)).toBe(4);
});

test('one id names a whole import: each message behind it is known by its place', async () => {
  await using service = await startService();
  const parts = [part('whole', ['Ada']), part('', ['Ada']), part('', ['Ada', 'Bob'])];
  const first = await imported(service.users, parts);
  expect(new Set(first.map(({ id }) => id)).size).toBe(4);
  expect(await imported(service.users, parts)).toEqual(first);
  // It goes on behind what was stored, and behind rows that are passed over.
  const more = [...parts, part('', ['Cid'])];
  expect(await imported(service.users, more)).toMatchObject([...first, { row: '5', outcome: OUTCOME_CREATED }]);
  const passedOver = more.map((each) => ({ ...each, afterRow: '3' }));
  expect(await imported(service.users, passedOver)).toMatchObject([first[3], { row: '5', outcome: OUTCOME_CREATED }]);
  expect(await countOf(service.users)).toBe(5);
});

test('a message of more rows than a transaction has is known again as well', async () => {
  await using service = await startService();
  const parts = [part('long', numbered(1201))];
  const first = await imported(service.users, parts);
  expect(first).toHaveLength(1201);
  expect(await imported(service.users, parts)).toEqual(first);
  expect(await countOf(service.users)).toBe(1201);
});

test.each<[string, Partial<Row>, string[]]>([
  ['other rows', {}, ['Ada', 'Eve']],
  ['fewer rows', {}, ['Ada']],
  ['another handling of conflicts', { onConflict: userService.ImportConflict.IMPORT_CONFLICT_UPDATE }, ['Ada', 'Bob']],
])(
  'answers REQUEST_ID_REUSED to %s with the same id, behind the rows before, and stores nothing behind it',
  async (_name, options, names) => {
    await using service = await startService();
    await imported(service.users, [part('a', ['Ada', 'Bob'])]);
    const sent = [part('new', ['Cid'], options), part('a', names), part('later', ['Dan'])];
    const results: userService.ImportResult[] = [];
    const answers = service.users.importUsers(from(sent)).pipe(tap((answer) => results.push(...answer.results)));
    const error = await failure(answers);
    expect(results).toMatchObject([{ row: '1', outcome: OUTCOME_CREATED }]);
    expect(error).toMatchObject({ code: Status.ALREADY_EXISTS, reason: 'REQUEST_ID_REUSED' });
    expect(await countOf(service.users)).toBe(3);
  },
);

test('rows that failed are answered as they failed, and are not tried again', async () => {
  await using service = await startService();
  const wrong = part('a', [], {
    users: [newUser({ id: '7' }), newUser({ id: '7', name: 'Other' }), newUser({ age: 151 })],
  });
  const first = await imported(service.users, [wrong]);
  expect(first.map(({ outcome }) => outcome)).toEqual([OUTCOME_CREATED, OUTCOME_FAILED, OUTCOME_FAILED]);
  await firstValueFrom(service.users.deleteUser({ id: '7', etag: '' }));
  expect(await imported(service.users, [wrong])).toEqual(first);
});

test('a dry run neither keeps an answer nor has one', async () => {
  await using service = await startService();
  const rows = [newUser({ id: '1', name: 'Ada' })];
  const dry = part('a', [], { users: rows, dryRun: true });
  expect(await imported(service.users, [dry])).toMatchObject([{ outcome: OUTCOME_CREATED }]);
  expect(await imported(service.users, [{ ...dry, dryRun: false }])).toMatchObject([{ outcome: OUTCOME_CREATED }]);
  expect(await imported(service.users, [dry])).toMatchObject([{ outcome: OUTCOME_UNCHANGED }]);
});

test('an id that is none is refused', async () => {
  await using service = await startService();
  const error = await failure(service.users.importUsers(from([part('a b', ['Ada'])])));
  expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT, details: { violations: [{ field: 'request_id' }] } });
  expect(await countOf(service.users)).toBe(0);
});

test('the id belongs to its caller, and has nothing to do with that of a user who was created', async () => {
  await using service = await startWithSignIn();
  const first = await administrator(service);
  const eve = await createUserAs(service, first, { name: 'Eve', type: user.UserType.USER_TYPE_ADMINISTRATOR });
  const second = await sessionOf(service, first, eve.id);
  await firstValueFrom(service.users.createUser({ user: newUser({ name: 'Ada' }), requestId: 'a' }, by(first)));
  const before = await countOf(service.users, first);
  const [mine] = await imported(service.users, [part('a', ['Ada'])], first);
  const [other] = await imported(service.users, [part('a', ['Ada'])], second);
  expect(mine?.id).not.toBe(other?.id);
  expect(await imported(service.users, [part('a', ['Ada'])], first)).toEqual([mine]);
  expect(await countOf(service.users, first)).toBe(before + 2);
});

test('forgets parts after a day', async () => {
  const now = vi.fn<() => number>(() => 1_000_000);
  await using opened = await openStore({ now });
  const run = async () => {
    const ids: string[] = [];
    const rows = from([part('a', ['Ada'])]);
    for await (const results of importUsers(opened.store, rows, new AbortController().signal))
      ids.push(...results.map(({ id }) => id));
    return ids;
  };
  const day = 24 * 60 * 60 * 1000;
  const first = await run();
  now.mockReturnValue(1_000_000 + day - 1);
  expect(await run()).toEqual(first);
  now.mockReturnValue(1_000_000 + day);
  expect(await run()).not.toEqual(first);
});
