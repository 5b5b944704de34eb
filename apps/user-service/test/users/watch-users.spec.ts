import { getEventListeners } from 'node:events';
import { status as Status } from '@grpc/grpc-js';
import { toAsyncIterable } from '@rollcall/grpc';
import { type user, userService } from '@rollcall/proto';
import { firstValueFrom } from 'rxjs';
import { expect, test, vi } from 'vitest';
import { createUser, failure, makeDatabase, newUser, startService } from '../service.ts';

type Service = Awaited<ReturnType<typeof startService>>;
type Event = userService.WatchEvent;
const { KIND_SNAPSHOT, KIND_CREATED, KIND_UPDATED, KIND_DELETED, KIND_UNDELETED, KIND_CHECKPOINT } =
  userService.WatchEvent_Kind;

/** The events of a watch, one by one. */
async function* watch(
  { users }: Pick<Service, 'users'>,
  request: Partial<userService.WatchUsersRequest> = {},
): AsyncGenerator<Event> {
  const messages = toAsyncIterable(users.watchUsers({ resumeToken: '', snapshot: false, filter: '', ...request }));
  for await (const { events } of messages) yield* events;
}

/** The next events that are no checkpoints. */
async function take(events: AsyncGenerator<Event>, count: number): Promise<Event[]> {
  const taken: Event[] = [];
  while (taken.length < count) {
    const { value, done } = await events.next();
    if (done === true) throw new Error(`the watch ended after ${taken.length} events`);
    if (value.kind !== KIND_CHECKPOINT) taken.push(value);
  }
  return taken;
}

/** Starts a watch of what comes from now on. */
async function watchFromNow(service: Pick<Service, 'users'>, filter = ''): Promise<AsyncGenerator<Event>> {
  const events = watch(service, { filter });
  expect((await events.next()).value).toMatchObject({ kind: KIND_CHECKPOINT });
  return events;
}

async function rename({ users }: Pick<Service, 'users'>, id: string, name: string): Promise<void> {
  await firstValueFrom(users.updateUser({ user: newUser({ id, name }), updateMask: ['name'] }));
}

/** The directory that the events leave behind, and that every `before` is what was held. */
function replay(events: readonly Event[], held = new Map<string, user.User>()): Map<string, user.User> {
  for (const { kind, before, after } of events) {
    if (after === null) continue;
    const isNew = kind === KIND_SNAPSHOT || kind === KIND_CREATED || kind === KIND_UNDELETED;
    expect(held.get(after.id)?.etag, `what is held of ${after.id}`).toBe(isNew ? undefined : before?.etag);
    if (kind === KIND_DELETED) held.delete(after.id);
    else held.set(after.id, after);
  }
  return held;
}

async function directory({ users }: Pick<Service, 'users'>): Promise<Map<string, user.User>> {
  const found = new Map<string, user.User>();
  for await (const message of toAsyncIterable(users.exportUsers({ types: [], afterId: '0', filter: '' })))
    for (const one of message.users) found.set(one.id, one);
  return found;
}

test('tells of every kind of change, before and after, in the order of the commits', async () => {
  await using service = await startService();
  const events = await watchFromNow(service);
  await createUser(service.users, { id: '1', name: 'Ada' });
  await rename(service, '1', 'Grace');
  await firstValueFrom(service.users.deleteUser({ id: '1', etag: '' }));
  await firstValueFrom(service.users.undeleteUser({ id: '1', etag: '' }));
  const seen = await take(events, 4);
  expect(seen.map(({ kind }) => kind)).toEqual([KIND_CREATED, KIND_UPDATED, KIND_DELETED, KIND_UNDELETED]);
  expect(seen[0]).toMatchObject({ before: null, after: { id: '1', name: 'Ada' } });
  expect(seen[1]).toMatchObject({ before: { name: 'Ada' }, after: { name: 'Grace' } });
  expect(seen[2]?.before?.deleteTime).toBeNull();
  expect(seen[2]?.after?.deleteTime).not.toBeNull();
  expect(Number(seen[0]?.commitTime?.seconds)).toBeGreaterThan(1_700_000_000);
  await events.return(undefined);
});

test('begins with a snapshot when asked, and says when it is over', async () => {
  await using service = await startService();
  for (const id of ['1', '2', '3']) await createUser(service.users, { id });
  await firstValueFrom(service.users.deleteUser({ id: '2', etag: '' }));
  const events = watch(service, { snapshot: true });
  const [first, second, third] = [await events.next(), await events.next(), await events.next()];
  expect([first, second].map(({ value }) => (value as Event).after?.id)).toEqual(['1', '3']);
  expect(third.value).toMatchObject({ kind: KIND_CHECKPOINT });
  await createUser(service.users, { id: '4' });
  expect(await take(events, 1)).toMatchObject([{ kind: KIND_CREATED, after: { id: '4' } }]);
  await events.return(undefined);
});

test('goes on behind any event, without a loss or a repetition', async () => {
  await using service = await startService();
  const events = await watchFromNow(service);
  for (let id = 1; id <= 20; id += 1) await createUser(service.users, { id: String(id) });
  const seen = await take(events, 20);
  await events.return(undefined);
  for (const at of [0, 7, 18]) {
    const resumed = watch(service, { resumeToken: seen[at]?.resumeToken ?? '' });
    expect((await take(resumed, 19 - at)).map(({ after }) => after?.id)).toEqual(
      seen.slice(at + 1).map(({ after }) => after?.id),
    );
    await resumed.return(undefined);
  }
});

test('goes on after a restart', async () => {
  await using database = await makeDatabase();
  let resumeToken = '';
  {
    await using service = await startService(database);
    const events = await watchFromNow(service);
    await createUser(service.users, { id: '1' });
    resumeToken = (await take(events, 1))[0]?.resumeToken ?? '';
    await createUser(service.users, { id: '2' });
    await events.return(undefined);
  }
  await using service = await startService(database);
  const events = watch(service, { resumeToken });
  expect(await take(events, 1)).toMatchObject([{ after: { id: '2' } }]);
  await events.return(undefined);
});

test('lets the changes of a filter through: those of users that it lets through before or after', async () => {
  await using service = await startService();
  const events = await watchFromNow(service, 'age >= 18');
  const setAge = (age: number) =>
    firstValueFrom(service.users.updateUser({ user: newUser({ id: '1', age }), updateMask: ['age'] }));
  await createUser(service.users, { id: '1', age: 10 });
  await setAge(17);
  await setAge(18);
  await setAge(19);
  await setAge(5);
  await setAge(6);
  await createUser(service.users, { id: '2', age: 50 });
  expect((await take(events, 4)).map(({ before, after }) => [before?.age, after?.age])).toEqual([
    [17, 18],
    [18, 19],
    [19, 5],
    [undefined, 50],
  ]);
  await events.return(undefined);
});

test('sends checkpoints when nothing happens, from which it goes on', { timeout: 30_000 }, async () => {
  await using service = await startService();
  const events = await watchFromNow(service, 'name = "nobody"');
  await createUser(service.users, { id: '1' });
  const { value: checkpoint } = await events.next();
  expect(checkpoint).toMatchObject({ kind: KIND_CHECKPOINT, before: null, after: null });
  await events.return(undefined);
  await createUser(service.users, { id: '2' });
  const resumed = watch(service, { resumeToken: (checkpoint as Event).resumeToken });
  expect(await take(resumed, 1)).toMatchObject([{ after: { id: '2' } }]);
  await resumed.return(undefined);
});

test('refuses a token that is none, one of another directory, and one that is too old', async () => {
  const now = vi.spyOn(Date, 'now');
  try {
    await using service = await startService();
    await using other = await startService();
    const foreign = await watchFromNow(other);
    await createUser(other.users, { id: '1' });
    const [elsewhere] = await take(foreign, 1);
    await foreign.return(undefined);
    const events = await watchFromNow(service);
    for (const id of ['1', '2', '3']) await createUser(service.users, { id });
    const [first, second] = await take(events, 3);
    await events.return(undefined);
    const real = Date.now();
    now.mockImplementation(() => real + 8 * 24 * 60 * 60 * 1000);
    await service.store.maintenance.run();
    now.mockRestore();
    await createUser(service.users, { id: '4' });
    const refused = (resumeToken: string) =>
      failure(service.users.watchUsers({ resumeToken, snapshot: false, filter: '' }));
    for (const token of ['x', '1', `${first?.resumeToken}-x-y`])
      expect(await refused(token)).toMatchObject({ code: Status.INVALID_ARGUMENT });
    for (const token of [first, second, elsewhere])
      expect(await refused(token?.resumeToken ?? '')).toMatchObject({
        code: Status.OUT_OF_RANGE,
        reason: 'RESUME_TOKEN_GONE',
      });
    expect(
      await failure(service.users.watchUsers({ resumeToken: '', snapshot: false, filter: 'x > 1' })),
    ).toMatchObject({ code: Status.INVALID_ARGUMENT });
  } finally {
    now.mockRestore();
  }
});

test(
  'keeps a watcher of a snapshot exact while the directory changes under it, also when it resumes in the middle',
  { timeout: 120_000 },
  async () => {
    await using service = await startService();
    const { users } = service;
    const count = 2000;
    const long = 'x'.repeat(190); // so that the service cannot read far ahead of its reader
    await Promise.all(
      Array.from({ length: count }, (_, index) => createUser(users, { id: String(index * 2 + 1), name: long })),
    );
    let turn = 0;
    /** Changes users all over the directory: those that were shown, and those that were not. */
    const disturb = async (): Promise<void> => {
      turn += 1;
      const id = (offset: number): string => String((((turn + offset) * 787) % count) * 2 + 1);
      await Promise.allSettled([
        rename(service, id(0), `${long}${turn}`),
        rename(service, id(1), `${long}${turn}`),
        firstValueFrom(users.deleteUser({ id: id(2), etag: '' })),
        firstValueFrom(users.undeleteUser({ id: id(-8), etag: '' })),
        createUser(users, { id: String(turn * 4), name: long }),
      ]);
    };
    // Others write all the time, also between a page and the log that goes with it.
    let writing = true;
    const others = Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        for (let name = 0; writing; name += 1)
          await rename(service, String(1 + index * 200), `${long}${name}`).catch(() => undefined); // it may be deleted
      }),
    );
    const held = new Map<string, user.User>();
    const kinds = new Set<userService.WatchEvent_Kind>();
    let resumeToken = '';
    for (let part = 0, over = false; !over; part += 1) {
      let taken = 0;
      for await (const event of watch(service, { resumeToken, snapshot: true })) {
        replay([event], held);
        kinds.add(event.kind);
        resumeToken = event.resumeToken;
        over = event.kind === KIND_CHECKPOINT;
        taken += 1;
        if (taken % 20 === 0) await disturb();
        if (over || (part % 2 === 0 && taken === 330)) break; // and resumes
        if (part % 2 === 1 && taken === 290) break;
      }
    }
    writing = false;
    await others;
    expect(kinds.size).toBe(6);
    const last = await createUser(users, { id: '999999', name: 'last' });
    for await (const event of watch(service, { resumeToken })) {
      replay([event], held);
      if (event.after?.id === last.id) break;
    }
    const expected = await directory(service);
    expect([...held.values()].toSorted((a, b) => Number(a.id) - Number(b.id))).toEqual([...expected.values()]);
  },
);

test('tells between the pages of a snapshot what was committed before the later one, and of the rest once, behind it', async () => {
  await using service = await startService();
  const { store } = service;
  await Promise.all(Array.from({ length: 150 }, (_, index) => createUser(service.users, { id: String(index + 1) })));
  // One change comes between the pages, and one between the second page and the log that is read to go with it.
  const readPage = store.snapshots.read.bind(store.snapshots);
  vi.spyOn(store.snapshots, 'read').mockImplementation(async (behind, count) => {
    if (behind > 0n) await rename(service, '1', 'between the pages');
    return readPage(behind, count);
  });
  const readLog = store.feed.readLog.bind(store.feed);
  vi.spyOn(store.feed, 'readLog').mockImplementationOnce(async (seq) => {
    await rename(service, '1', 'behind the page');
    return readLog(seq);
  });
  const events = watch(service, { snapshot: true });
  const seen = await take(events, 152);
  await events.return(undefined);
  const held = replay(seen);
  expect([held.size, held.get('1')?.name]).toEqual([150, 'behind the page']);
  expect(seen.flatMap(({ kind, after }, at) => (kind === KIND_UPDATED ? [`${at} ${after?.name}`] : []))).toEqual([
    '100 between the pages',
    '151 behind the page',
  ]);
});

test.each(['before it reads', 'behind what it has read', 'before it waits', 'while it waits'])(
  'tells of a change at once that is committed, and heard of, %s',
  async (moment) => {
    await using service = await startService();
    const { feed } = service.store;
    await createUser(service.users, { id: '1' });
    const events = await watchFromNow(service);
    let renamed = 0;
    /** Makes a change, and waits until the feed has it. */
    const change = async (): Promise<void> => {
      const last = await feed.last();
      await rename(service, '1', `name ${++renamed}`);
      const all = new AbortController();
      await feed.behind(last, all.signal, 60_000);
    };
    const read = feed.read.bind(feed);
    const behind = feed.behind.bind(feed);
    const once = (when: string): boolean => when === moment && renamed < 3;
    const reading = vi.spyOn(feed, 'read').mockImplementation(async (seq) => {
      if (once('before it reads')) await change();
      const changes = await read(seq);
      if (once('behind what it has read')) await change();
      return changes;
    });
    const waiting = vi.spyOn(feed, 'behind').mockImplementation(async (seq, signal, limitMs) => {
      if (limitMs === 60_000) return behind(seq, signal, limitMs);
      if (once('before it waits')) await change();
      const waited = behind(seq, signal, limitMs);
      if (once('while it waits')) await change();
      return waited;
    });
    await rename(service, '1', 'first'); // so that it goes round
    const seen = await take(events, 4);
    expect(seen.map(({ after }) => after?.name)).toEqual(['first', 'name 1', 'name 2', 'name 3']);
    reading.mockRestore();
    waiting.mockRestore();
    await events.return(undefined);
  },
);

test('leaves nothing behind of its waiting, however often it is woken', async () => {
  await using service = await startService();
  const { feed } = service.store;
  await createUser(service.users, { id: '1' });
  const events = await watchFromNow(service);
  const { signal } = new AbortController();
  const before = getEventListeners(signal, 'abort').length;
  for (let turn = 0; turn < 20; turn++) {
    const waiting = feed.behind(await feed.last(), signal, 60_000);
    await rename(service, '1', `name ${turn}`);
    await waiting;
  }
  await feed.behind(await feed.last(), signal, 1);
  expect(getEventListeners(signal, 'abort')).toHaveLength(before);
  await events.return(undefined);
});

test('an export is brought up to date by a watch from the token of its first message', async () => {
  await using service = await startService();
  await Promise.all(Array.from({ length: 1000 }, (_, index) => createUser(service.users, { id: String(index + 1) })));
  const held = new Map<string, user.User>();
  let watchToken = '';
  let messages = 0;
  for await (const message of toAsyncIterable(service.users.exportUsers({ types: [], afterId: '0', filter: '' }))) {
    messages += 1;
    expect(message.watchToken === '').toBe(messages > 1);
    watchToken ||= message.watchToken;
    for (const one of message.users) {
      expect(held.has(one.id)).toBe(false);
      held.set(one.id, one);
    }
    const id = String(1 + ((messages * 97) % 1000));
    await rename(service, id, `after ${messages}`);
    await firstValueFrom(service.users.deleteUser({ id: String(1 + ((messages * 61) % 1000)), etag: '' }));
  }
  await createUser(service.users, { id: '5000' });
  for await (const { after } of watch(service, { resumeToken: watchToken })) {
    if (after === null) continue;
    if (after.deleteTime === null) held.set(after.id, after);
    else held.delete(after.id);
    if (after.id === '5000') break;
  }
  expect([...held.values()].toSorted((a, b) => Number(a.id) - Number(b.id))).toEqual([
    ...(await directory(service)).values(),
  ]);
});

test('50 concurrent writers: no watcher misses or reorders a change', { timeout: 120_000 }, async () => {
  await using service = await startService();
  const watchers = await Promise.all(Array.from({ length: 4 }, () => watchFromNow(service)));
  await Promise.all(Array.from({ length: 50 }, (_, index) => createUser(service.users, { id: String(index + 1) })));
  const versions = 40;
  await Promise.all(
    Array.from({ length: 50 }, async (_, index) => {
      for (let version = 1; version <= versions; version += 1)
        await rename(service, String(1 + ((index + version) % 50)), `${index} ${version}`);
    }),
  );
  const expected = await directory(service);
  const logs = await Promise.all(watchers.map((events) => take(events, 50 + 50 * versions)));
  for (const events of logs) {
    expect([...replay(events).values()].map(({ etag }) => etag).toSorted()).toEqual(
      [...expected.values()].map(({ etag }) => etag).toSorted(),
    );
    expect(events.map(({ resumeToken }) => resumeToken)).toEqual(logs[0]?.map(({ resumeToken }) => resumeToken));
  }
  for (const events of watchers) await events.return(undefined);
});
