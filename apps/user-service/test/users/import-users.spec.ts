import { status as Status } from '@grpc/grpc-js';
import { fromIterable, RpcError, toAsyncIterable } from '@rollcall/grpc';
import { user, userService } from '@rollcall/proto';
import {
  concat,
  firstValueFrom,
  from,
  lastValueFrom,
  NEVER,
  type Observable,
  of,
  Subject,
  tap,
  throwError,
} from 'rxjs';
import { expect, test } from 'vitest';
import { all, createUser, failure, newUser, settled, startService } from '../service.ts';

type Service = Awaited<ReturnType<typeof startService>>;
type Row = userService.ImportUsersRequest;
const { OUTCOME_CREATED, OUTCOME_FAILED, OUTCOME_UNCHANGED, OUTCOME_UPDATED } = userService.ImportResult_Outcome;
const { IMPORT_CONFLICT_FAIL, IMPORT_CONFLICT_SKIP, IMPORT_CONFLICT_UPDATE } = userService.ImportConflict;
const everything = { types: [], afterId: '0', filter: '' };

const row = (fields: Partial<user.User>, options: Partial<Row> = {}): Row => ({
  user: newUser(fields),
  dryRun: false,
  onConflict: 0,
  users: [],
  afterRow: '0',
  requestId: '',
  ...options,
});

async function importAll({ users }: Service, rows: Observable<Row> | Row[]): Promise<userService.ImportResult[]> {
  return (await all(users.importUsers(Array.isArray(rows) ? from(rows) : rows))).flatMap(({ results }) => results);
}

async function exported(service: Service): Promise<user.User[]> {
  return (await all(service.users.exportUsers(everything))).flatMap(({ users }) => users);
}

const outcomes = (results: readonly userService.ImportResult[]) =>
  results.map(({ outcome, id, field }) => [outcome, id, field]);

test('creates a user for each row, and answers each with its number', async () => {
  await using service = await startService();
  const results = await importAll(service, [
    row({ id: '7', name: 'Ada', email: 'ada@example.com', age: 36, type: user.UserType.USER_TYPE_GUEST }),
    row({ name: 'Grace' }),
  ]);
  expect(results).toEqual([
    { row: '1', outcome: OUTCOME_CREATED, id: '7', field: '', message: '' },
    { row: '2', outcome: OUTCOME_CREATED, id: '1', field: '', message: '' },
  ]);
  expect(await exported(service)).toMatchObject([
    { id: '1', name: 'Grace', type: user.UserType.USER_TYPE_NORMAL },
    { id: '7', name: 'Ada', email: 'ada@example.com', age: 36, type: user.UserType.USER_TYPE_GUEST },
  ]);
});

test('says which field of which row is wrong, and imports the others', async () => {
  await using service = await startService();
  const results = await importAll(service, [
    row({ id: '1' }),
    row({ id: '2', age: 151 }),
    row({ id: '3', email: 'no address' }),
    row({ id: '1', name: 'Other' }),
    { ...row({}), user: null },
    row({ id: '5' }),
  ]);
  expect(outcomes(results)).toEqual([
    [OUTCOME_CREATED, '1', ''],
    [OUTCOME_FAILED, '2', 'user.age'],
    [OUTCOME_FAILED, '3', 'user.email'],
    [OUTCOME_FAILED, '1', 'user.id'],
    [OUTCOME_FAILED, '0', 'user'],
    [OUTCOME_CREATED, '5', ''],
  ]);
  expect(results.map(({ row: number }) => number)).toEqual(['1', '2', '3', '4', '5', '6']);
  expect(results[3]?.message).toBe('another user has the id 1');
});

test.each([
  [IMPORT_CONFLICT_FAIL, OUTCOME_FAILED, 'Ada'],
  [IMPORT_CONFLICT_SKIP, OUTCOME_UNCHANGED, 'Ada'],
  [IMPORT_CONFLICT_UPDATE, OUTCOME_UPDATED, 'Grace'],
])('meets a user that is there with conflict handling %i', async (onConflict, outcome, name) => {
  await using service = await startService();
  await createUser(service.users, { id: '1', name: 'Ada' });
  await createUser(service.users, { id: '2', name: 'Ada', email: 'ada@example.com' });
  const results = await importAll(service, [
    row({ id: '1', name: 'Grace' }, { onConflict }),
    row({ name: 'Grace', email: 'ADA@example.com' }), // known by its address
    row({ id: '1', name }), // as it is now
  ]);
  expect(outcomes(results)).toEqual([
    [outcome, '1', outcome === OUTCOME_FAILED ? 'user.id' : ''],
    [outcome, '2', outcome === OUTCOME_FAILED ? 'user.email' : ''],
    [OUTCOME_UNCHANGED, '1', ''],
  ]);
  expect((await exported(service)).map((each) => each.name)).toEqual([name, name]);
});

test('never gives a user the address of another, nor the id of a deleted one', async () => {
  await using service = await startService();
  await createUser(service.users, { id: '1', email: 'ada@example.com' });
  await createUser(service.users, { id: '2' });
  await firstValueFrom(service.users.deleteUser({ id: '2', etag: '' }));
  const results = await importAll(service, [
    row({ id: '3', email: 'ada@example.com' }, { onConflict: IMPORT_CONFLICT_UPDATE }),
    row({ id: '2' }),
    row({ id: '4', email: 'four@example.com' }),
    row({ id: '1', email: 'four@example.com' }),
  ]);
  expect(outcomes(results)).toEqual([
    [OUTCOME_FAILED, '3', 'user.email'],
    [OUTCOME_FAILED, '2', 'user.id'],
    [OUTCOME_CREATED, '4', ''],
    [OUTCOME_FAILED, '1', 'user.email'],
  ]);
});

test('lets addresses move from row to row', async () => {
  await using service = await startService();
  for (const id of ['1', '2']) await createUser(service.users, { id, email: `${id}@example.com` });
  const update = { onConflict: IMPORT_CONFLICT_UPDATE };
  const results = await importAll(service, [
    row({ id: '1', email: 'free@example.com' }, update),
    row({ id: '2', email: '1@example.com' }),
    row({ id: '1', email: '2@example.com' }),
    row({ id: '3', email: 'free@example.com' }),
  ]);
  expect(results.map(({ outcome }) => outcome)).toEqual([
    OUTCOME_UPDATED,
    OUTCOME_UPDATED,
    OUTCOME_UPDATED,
    OUTCOME_CREATED,
  ]);
  expect((await exported(service)).map(({ email }) => email)).toEqual([
    '2@example.com',
    '1@example.com',
    'free@example.com',
  ]);
});

test('changes nothing in a dry run, and says what it would do, also where rows meet each other far apart', async () => {
  await using service = await startService();
  await createUser(service.users, { id: '1', name: 'Ada', email: 'ada@example.com' });
  const before = await exported(service);
  const rows = [
    row({ id: '1', name: 'Ada', email: 'other@example.com' }, { dryRun: true, onConflict: IMPORT_CONFLICT_UPDATE }),
    row({ email: 'ada@example.com' }), // which the first row has freed
    ...Array.from({ length: 450 }, (_, index) => row({ id: String(index + 100) })),
    row({ id: '100', email: 'other@example.com' }), // taken by the first row
    row({ email: 'ada@example.com', name: 'New name' }), // the user of the second row
    row({ id: '549', age: 200 }),
    row({ id: '549' }),
  ];
  const dry = await importAll(service, rows);
  expect(await exported(service)).toEqual(before);
  const real = await importAll(
    service,
    rows.map((each) => ({ ...each, dryRun: false })),
  );
  const withoutId = (results: userService.ImportResult[]) =>
    results.map(({ id, ...rest }) => (rest.outcome === OUTCOME_CREATED || id === '0' ? rest : { ...rest, id }));
  const assigned = new Set(real.filter(({ id }) => id === '2').map(({ row: number }) => number));
  const comparable = (results: userService.ImportResult[]) =>
    withoutId(results.map((each) => (assigned.has(each.row) ? { ...each, id: '0' } : each)));
  expect(comparable(dry)).toEqual(comparable(real));
  expect(dry.map(({ outcome }) => outcome).slice(-4)).toEqual([
    OUTCOME_FAILED,
    OUTCOME_UPDATED,
    OUTCOME_FAILED,
    OUTCOME_UNCHANGED,
  ]);
});

test('takes many rows in a message', async () => {
  await using service = await startService();
  const users = Array.from({ length: 999 }, (_, index) => newUser({ id: String(index + 2) }));
  const results = await importAll(service, [row({ id: '1' }, { users }), { ...row({}), user: null, users }]);
  expect(results).toHaveLength(1000 + 999);
  expect(results.filter(({ outcome }) => outcome === OUTCOME_CREATED)).toHaveLength(1000);
  expect(results.at(-1)).toMatchObject({ row: '1999', id: '1000', outcome: OUTCOME_UNCHANGED });
});

test('answers a row before the next one is sent', async () => {
  await using service = await startService();
  const rows = new Subject<Row>();
  const answers = toAsyncIterable(service.users.importUsers(rows));
  for (const id of ['1', '2', '3']) {
    const answer = answers.next();
    rows.next(row({ id }));
    expect((await answer).value?.results).toMatchObject([{ row: id, id, outcome: OUTCOME_CREATED }]);
  }
  rows.complete();
  expect((await answers.next()).done).toBe(true);
});

test('keeps what it has answered when it is cut, and goes on behind the last answered row', async () => {
  await using service = await startService();
  const rows = Array.from({ length: 1000 }, (_, index) => row({ id: String(index + 1), name: `user ${index}` }));
  let answered = 0;
  for await (const { results } of toAsyncIterable(service.users.importUsers(concat(from(rows.slice(0, 500)), NEVER)))) {
    answered = Number(results.at(-1)?.row);
    if (answered >= 250) break; // the caller goes away
  }
  expect((await service.store.find(rows.slice(0, answered).map(({ user: one }) => one?.id ?? ''))).size).toBe(answered);
  const [first, ...rest] = rows;
  const again = await importAll(service, [{ ...(first ?? row({})), afterRow: String(answered) }, ...rest]);
  expect(again[0]?.row).toBe(String(answered + 1));
  expect(again).toHaveLength(1000 - answered);
  expect(again.some(({ outcome }) => outcome === OUTCOME_FAILED)).toBe(false);
  expect(await exported(service)).toHaveLength(1000);
});

test.each([0, 1, 20, 700])(
  'answers the %i rows before one that cannot be read, then its error, and goes on behind them with nothing doubled',
  async (readable) => {
    await using service = await startService();
    const rows = Array.from({ length: 800 }, (_, index) => row({ name: `user ${index}` }));
    const unreadable = new RpcError(Status.INVALID_ARGUMENT, 'MALFORMED_REQUEST', 'a row cannot be read');
    const results: userService.ImportResult[] = [];
    const upload = concat(
      from(rows.slice(0, readable)),
      throwError(() => unreadable),
    );
    const error = await failure(
      service.users.importUsers(upload).pipe(tap((message) => results.push(...message.results))),
    );
    expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT, message: 'a row cannot be read' });
    expect(results.map(({ row: number }) => Number(number))).toEqual(Array.from({ length: readable }, (_, i) => i + 1));
    const [first, ...rest] = rows;
    await importAll(service, [{ ...(first ?? row({})), afterRow: String(readable) }, ...rest]);
    expect((await exported(service)).map(({ name }) => name)).toEqual(rows.map(({ user: one }) => one?.name));
  },
);

test('tells what became of the rows before a message that cannot be read', async () => {
  await using service = await startService();
  const results: userService.ImportResult[] = [];
  const upload = from([row({ id: '1' }), row({ id: '2' }), { ...row({ id: '3' }), onConflict: 99 }, row({ id: '4' })]);
  const error = await failure(
    service.users.importUsers(upload).pipe(tap((message) => results.push(...message.results))),
  );
  expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT, reason: 'INVALID_FIELD' });
  expect(results.map(({ id }) => id)).toEqual(['1', '2']);
  expect((await exported(service)).map(({ id }) => id)).toEqual(['1', '2']);
});

test('ends with CANCELLED when the upload breaks off, and does not take it for finished', async () => {
  await using service = await startService();
  const broken = concat(
    from([row({ id: '1' })]),
    throwError(() => new RpcError(Status.CANCELLED, 'CANCELLED', 'cut')),
  );
  expect(await failure(service.users.importUsers(broken))).toMatchObject({ code: Status.CANCELLED });
});

test('makes an equal directory of an export, times and etags included', async () => {
  await using service = await startService();
  await using other = await startService();
  for (let id = 1; id <= 30; id += 1)
    await createUser(service.users, { id: String(id), name: `user ${id}`, email: `${id}@example.com`, age: id });
  await firstValueFrom(service.users.updateUser({ user: newUser({ id: '3', name: 'Eve' }), updateMask: ['name'] }));
  const rows = await exported(service);
  await importAll(
    other,
    rows.map((one) => row(one)),
  );
  expect(await exported(other)).toEqual(rows);
});

test('does not take times that are to come', async () => {
  await using service = await startService();
  const future = { seconds: '99999999999', nanos: 0 };
  await importAll(service, [row({ id: '1', createTime: future, updateTime: future })]);
  const [created] = await exported(service);
  expect(Number(created?.createTime?.seconds)).toBeLessThan(Date.now());
});

test('takes no more rows than it has stored', async () => {
  await using service = await startService();
  let sent = 0;
  const rows = fromIterable(function* () {
    for (;;) yield row({ id: String((sent += 1)) });
  });
  const answers = toAsyncIterable(service.users.importUsers(rows));
  await answers.next();
  expect(await settled(service, () => sent)).toBeLessThan(50_000); // nobody reads the answers
  await answers.return();
});

test('answers nothing to an import of nothing, and INVALID_ARGUMENT for options that are none', async () => {
  await using service = await startService();
  expect(await importAll(service, [])).toEqual([]);
  const error = await failure(service.users.importUsers(of(row({}, { onConflict: 9 as userService.ImportConflict }))));
  expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT });
  expect(await lastValueFrom(service.users.importUsers(of(row({ id: '1' }))))).toBeDefined();
});
