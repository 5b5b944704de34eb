import { status as Status } from '@grpc/grpc-js';
import { chat } from '@rollcall/proto';
import { makeDirectory } from '@rollcall/test-servers';
import { expect, test } from 'vitest';
import { by, read, send, startChat } from '../service.ts';

const { KIND_PRESENT, KIND_JOINED, KIND_LEFT } = chat.RoomEvent_Kind;

type Events = readonly chat.RoomEvent[];

function has(events: Events, kind: chat.RoomEvent_Kind, ...names: string[]): boolean {
  return names.every((name) =>
    events.some((event) => event.kind === kind && event.members.some((member) => member.name === name)),
  );
}

test('tells who is in the room, who comes and who leaves', async () => {
  await using service = await startChat();
  await send(service); // the room is there
  using ada = read(service, { presence: true, presentAs: '1' });
  await ada.until((events) => has(events, KIND_PRESENT, 'Ada'));
  expect(ada.events.find(({ kind }) => kind === KIND_PRESENT)?.members).toEqual([
    {
      userId: '1',
      name: 'Ada',
      present: true,
      joinTime: expect.objectContaining({ seconds: expect.any(String) }),
      lastSeenTime: null,
    },
  ]);
  const ben = read(service, { presentAs: '2' });
  await ada.until((events) => has(events, KIND_JOINED, 'Ben'));
  ben.close();
  await ada.until((events) => has(events, KIND_LEFT, 'Ben'));
  expect(ada.events.findLast(({ kind }) => kind === KIND_LEFT)?.members).toEqual([
    {
      userId: '2',
      name: 'Ben',
      present: false,
      joinTime: null,
      lastSeenTime: expect.objectContaining({ seconds: expect.any(String) }),
    },
  ]);
  using later = read(service, { presence: true });
  await later.until((events) => events.some(({ kind }) => kind === KIND_PRESENT));
  const members = later.events.find(({ kind }) => kind === KIND_PRESENT)?.members;
  expect(members?.map(({ name, present }) => [name, present])).toEqual([
    ['Ada', true],
    ['Ben', false],
  ]);
});

test('a user with two streams is there once, until both have ended', async () => {
  await using service = await startChat();
  using watcher = read(service, { presence: true });
  const [one, two] = [read(service, { presentAs: '2' }), read(service, { presentAs: '2' })];
  await watcher.until((events) => has(events, KIND_JOINED, 'Ben'));
  one.close();
  using cleo = read(service, { presentAs: '3' });
  await watcher.until((events) => has(events, KIND_JOINED, 'Cleo')); // what comes later
  expect(has(watcher.events, KIND_LEFT, 'Ben')).toBe(false);
  two.close();
  await watcher.until((events) => has(events, KIND_LEFT, 'Ben'));
  expect(watcher.events.filter(({ kind }) => kind === KIND_JOINED).flatMap(({ members }) => members)).toHaveLength(2);
  cleo.close();
});

test('who does not ask is not told, and nobody is in a room as nobody', async () => {
  await using service = await startChat();
  using reader = read(service);
  using ben = read(service, { presence: true, presentAs: '2' });
  await ben.until((events) => has(events, KIND_PRESENT, 'Ben'));
  await send(service);
  await reader.until(() => reader.seqs().length === 1);
  expect(reader.events.some(({ members }) => members.length > 0)).toBe(false);
  expect(new Set(ben.events.flatMap(({ members }) => members.map(({ name }) => name)))).toEqual(new Set(['Ben']));
});

test('a caller is in the room as nobody else, unless as an administrator', async () => {
  await using service = await startChat({ protectedMode: false });
  using ben = read(service, { presence: true }, by('2'));
  await ben.until((events) => has(events, KIND_PRESENT, 'Ben'));
  using wrong = read(service, { presentAs: '3' }, by('2'));
  expect(await wrong.error()).toMatchObject({ code: Status.PERMISSION_DENIED });
  using _ = read(service, { presentAs: '3' }, by('1'));
  await ben.until((events) => has(events, KIND_JOINED, 'Cleo'));
  using gone = read(service, { presentAs: '99' }, by('1'));
  expect(await gone.error()).toMatchObject({ code: Status.NOT_FOUND });
});

test('when somebody was last seen is known after a restart', async () => {
  using folder = makeDirectory();
  {
    await using service = await startChat({ dataDir: folder.path });
    await send(service); // the room is there
    using ben = read(service, { presence: true, presentAs: '2' });
    await ben.until((events) => has(events, KIND_PRESENT, 'Ben'));
  }
  await using service = await startChat({ dataDir: folder.path });
  using reader = read(service, { presence: true });
  await reader.until((events) => has(events, KIND_PRESENT, 'Ben'));
  expect(reader.events.flatMap(({ members }) => members)[0]).toMatchObject({ name: 'Ben', present: false });
});
