import { status as Status } from '@grpc/grpc-js';
import type { userService } from '@rollcall/proto';
import { sql } from 'kysely';
import { firstValueFrom, type Observable } from 'rxjs';
import { expect, test, vi } from 'vitest';
import { parseFilter } from '../../src/query/filter/parser.ts';
import { parseOrder } from '../../src/query/order.ts';
import { ScanTurns, turnCost } from '../../src/store/users/scan-turns.ts';
import { testedEngine } from '../engines.ts';
import { makeDatabase, openStore, startService } from '../service.ts';

const userCount = 5000;

/** A store with users whom none of the filters below lets through. */
async function openFilled() {
  const opened = await openStore();
  await fill(opened.engine.db);
  return opened;
}

async function fill(db: Awaited<ReturnType<typeof openStore>>['engine']['db']): Promise<void> {
  const numbers = sql`(with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${sql.lit(userCount)}) select n from numbers)`;
  await sql`
    insert into users select n, 'User ' || n, 'user ' || n, '', '', n % 90, 1 + n % 3, n, n,
      case when n % 5 = 0 then n else 0 end, case when n % 5 = 0 then n + 1 else 0 end
    from ${numbers} as numbers`.execute(db);
}

/** Nearly as many comparisons as a filter may have. */
const nobody = Array.from({ length: 99 }, (_, index) => `name:"zq${index}x"`).join(' OR ');

/** How many turns of the event loop there were while something ran. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let isDone = false;
  const count = (): void => {
    turns += 1;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  await work.finally(() => (isDone = true));
  return turns;
}

const scans: [title: string, filter: string, orderBy: string, showDeleted: boolean][] = [
  ['nobody by id', nobody, '', false],
  ['nobody by name', nobody, 'name desc', false],
  ['nobody, also deleted, by name', nobody, 'name', true],
  ['nobody in an order without an index', nobody, 'type, name', false],
  ['nobody, also deleted, by the time of the end', nobody, 'purge_time desc', true],
  ['those of a type', `type = GUEST AND (${nobody})`, '', false],
  ['those without an address', `email = "" AND (${nobody})`, '', false],
  ['the end of addresses', 'email = "*zq"', 'age', false],
];

test.runIf(testedEngine === 'sqlite').for(scans)(
  'lets others have their turn while it looks for %s',
  async ([, filter, orderBy, showDeleted]) => {
    await using opened = await openFilled();
    const query = { filter: parseFilter(filter), order: parseOrder(orderBy), showDeleted };
    const least = filter.length > 100 ? 50 : 5;
    expect(await turnsDuring(opened.store.pages.read(query, undefined, 51))).toBeGreaterThan(least);
    expect(await turnsDuring(opened.store.pages.count(query))).toBeGreaterThan(least);
  },
);

test.runIf(testedEngine === 'sqlite')('stops looking at users once its caller is gone', async () => {
  await using service = await startFilled();
  const turns = vi.spyOn(service.store.scans, 'next');
  const asks: (() => Observable<unknown>)[] = [
    () => service.users.listUsers({ ...page, filter: nobody, showTotal: true }),
    () => service.users.exportUsers({ types: [], afterId: '0', filter: nobody }),
    () => service.users.watchUsers({ filter: nobody, resumeToken: '', snapshot: true }),
  ];
  for (const ask of asks) {
    turns.mockClear();
    const call = ask().subscribe({ error: () => undefined });
    await vi.waitFor(() => expect(turns.mock.calls.length).toBeGreaterThan(3), { interval: 1 });
    call.unsubscribe();
    await vi.waitFor(async () => {
      const before = turns.mock.calls.length;
      for (let calls = 0; calls < 5; calls += 1) await firstValueFrom(service.users.getUser({ id: '1' }));
      expect(turns.mock.calls.length).toBe(before);
    });
    expect(turns.mock.calls.length).toBeLessThan(150); // of more than 250 for each of them
  }
});

test.runIf(testedEngine === 'sqlite')(
  'answers a GET between two windows of a page that has to look at all',
  async () => {
    await using service = await startFilled();
    let isListed = false;
    const listed = firstValueFrom(service.users.listUsers({ ...page, filter: nobody })).then(() => (isListed = true));
    for (let calls = 0; calls < 20; calls += 1) {
      await firstValueFrom(service.users.getUser({ id: '1' }));
      expect(isListed).toBe(false);
    }
    await listed;
  },
);

test('gives a turn to each caller who scans, however many scans another one has', async () => {
  const turns = new ScanTurns();
  const order: string[] = [];
  const window = (caller: string): Promise<void> =>
    turns.next({ cost: turnCost, caller }).then(() => void order.push(caller));
  await Promise.all([...Array.from({ length: 30 }, () => window('many')), window('one'), window('one'), window('two')]);
  expect(order.slice(0, 6)).toEqual(['many', 'one', 'two', 'many', 'one', 'many']);
  expect(order).toHaveLength(33);
});

test('lets windows that cost little share a turn, and none begin beside one that costs all of it', async () => {
  const turns = new ScanTurns();
  const begun: string[] = [];
  const window = (name: string, cost: number): Promise<void> =>
    turns.next({ cost, caller: 'one' }).then(() => void begun.push(name));
  const last = [window('first half', turnCost / 2), window('second half', turnCost / 2), window('whole', turnCost)].at(
    -1,
  );
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun).toEqual(['first half', 'second half']);
  await last;
});

test('rests while others ask for users, so that scans have no more than a part of the time', async () => {
  let asked = 0;
  const turns = new ScanTurns(() => asked);
  const timers = vi.spyOn(globalThis, 'setTimeout');
  await turns.next({ cost: turnCost });
  expect(timers).not.toHaveBeenCalled();
  asked += 1;
  await turns.next({ cost: turnCost });
  expect(timers).toHaveBeenCalledOnce();
  timers.mockRestore();
});

test('ends a scan whose signal has fired with what it fired with, without a turn', async () => {
  const turns = new ScanTurns();
  const gone = new Error('gone');
  await expect(turns.next({ cost: 1, signal: AbortSignal.abort(gone) })).rejects.toBe(gone);
});

test('refuses searches of a caller who has too many under way, and no one else’s', async () => {
  const turns = new ScanTurns();
  const calls = Array.from({ length: 100 }, () => turns.next({ cost: 1, caller: 'many' }));
  await expect(turns.next({ cost: 1, caller: 'many' })).rejects.toMatchObject({
    code: Status.RESOURCE_EXHAUSTED,
    reason: 'RATE_LIMITED',
  });
  calls.push(turns.next({ cost: 1, caller: 'many', isStream: true }), turns.next({ cost: 1, caller: 'one' }));
  await Promise.all(calls);
});

test('refuses searches beyond two thousand of all callers, and takes others when those are done', async () => {
  const turns = new ScanTurns();
  const calls = Array.from({ length: 2000 }, (_, index) => turns.next({ cost: 1, caller: `caller ${index % 40}` }));
  await expect(turns.next({ cost: 1, caller: 'another' })).rejects.toMatchObject({ reason: 'RATE_LIMITED' });
  await Promise.all(calls);
  await turns.next({ cost: 1, caller: 'another' });
});

const page: userService.ListUsersRequest = {
  pageSize: 50,
  pageToken: '',
  filter: '',
  orderBy: '',
  showDeleted: false,
  showTotal: false,
};

async function startFilled() {
  const database = await makeDatabase();
  {
    await using opened = await openStore({}, database);
    await fill(opened.engine.db);
  }
  const service = await startService(database);
  const stop = service[Symbol.asyncDispose];
  return {
    ...service,
    [Symbol.asyncDispose]: async () => {
      await stop();
      await database[Symbol.asyncDispose]();
    },
  };
}
