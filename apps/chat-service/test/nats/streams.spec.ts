import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';
import { type Nats, startNats } from '@rollcall/test-servers';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { DeletedRooms } from '../../src/log/deleted-rooms.ts';
import { followRoom, newNote } from '../notes/told.ts';
import { startLogs } from './nats-logs.ts';

let nats: Nats;

beforeAll(async () => {
  nats = await startNats();
});

afterAll(() => nats[Symbol.asyncDispose]());

test('leaves out what others have published to a room, and goes on', async () => {
  await using logs = await startLogs(nats);
  const { log, link } = await logs.openReplica();
  using told = await followRoom(log);
  await log.append(newNote({ message: 'before' }));
  for (const data of ['', 'no note', '\n\u0003abc', '{}'])
    await link.ask(({ js }) => js.publish(`${logs.prefix}.notes.lobby`, data));
  await log.append(newNote({ message: 'after' }));
  await told.reach(6);
  expect(told.notes.map(({ seq, message }) => [seq, message])).toEqual([
    ['1', 'before'],
    ['6', 'after'],
  ]);
  expect((await log.read('lobby', 0, 2)).map(({ seq }) => seq)).toEqual(['1', '6']);
  expect((await log.read('lobby', 1, 1)).map(({ seq }) => seq)).toEqual(['6']);
  expect(await log.bounds('lobby')).toEqual({ first: 1, last: 6 });
});

test('leaves out a note that was deleted in NATS itself', async () => {
  await using logs = await startLogs(nats);
  const { log, link } = await logs.openReplica();
  for (let index = 0; index < 5; index += 1) await log.append(newNote());
  await link.ask(({ jsm }) => jsm.streams.deleteMessage(`${logs.prefix}-notes-lobby`, 3));
  expect((await log.read('lobby', 0, 3)).map(({ seq }) => seq)).toEqual(['1', '2', '4']);
});

test('makes one stream of a room that several replicas begin at once, each note once', async () => {
  await using logs = await startLogs(nats);
  const replicas = [await logs.open(), await logs.open(), await logs.open({ retention: { maxNotes: 100 } })];
  const notes = await Promise.all(replicas.flatMap((log) => [log.append(newNote()), log.append(newNote())]));
  expect(notes.map(({ note }) => Number(note.seq)).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6]);
});

test('goes on with a room whose stream was removed', async () => {
  await using logs = await startLogs(nats);
  const { log, link } = await logs.openReplica();
  await log.append(newNote());
  await link.ask(({ jsm }) => jsm.streams.delete(`${logs.prefix}-notes-lobby`));
  expect((await log.append(newNote())).note.seq).toBe('1');
});

test('brings the rooms that are there to what is configured now, both ways', async () => {
  await using logs = await startLogs(nats);
  const before = await logs.open();
  for (const room of ['a', 'b']) for (let index = 0; index < 5; index += 1) await before.append(newNote({ room }));
  const { link } = await logs.openReplica({ retention: { maxAgeMs: 3_600_000, maxNotes: 3 } });
  for (const room of ['a', 'b'])
    await vi.waitFor(async () => expect(await before.bounds(room)).toEqual({ first: 3, last: 5 }), 5000);
  const configOf = (room: string) =>
    link.ask(async ({ jsm }) => (await jsm.streams.info(`${logs.prefix}-notes-${room}`)).config);
  expect(await configOf('a')).toMatchObject({ max_age: 3_600_000_000_000, max_msgs: 3 });
  await logs.openReplica();
  const unlimited = { max_age: 0, max_msgs: -1, duplicate_window: 3_600_000_000_000 };
  await vi.waitFor(async () => expect(await configOf('b')).toMatchObject(unlimited), 5000);
});

test('answers DATABASE_FULL when NATS may keep no more, and reads on', async () => {
  await using small = await startNats({ jetstream: 'max_file_store: 200KB' });
  await using logs = await startLogs(small);
  const log = await logs.open();
  const message = 'x'.repeat(4096);
  let kept = 0;
  const fill = async (): Promise<never> => {
    for (;;) {
      await log.append(newNote({ message }));
      kept += 1;
    }
  };
  const full = await fill().catch((error: unknown) => error);
  expect(full).toMatchObject({ code: Status.RESOURCE_EXHAUSTED, reason: 'DATABASE_FULL' });
  expect(full instanceof RpcError && full.message).not.toMatch(/nats|resource|storage/i);
  expect(kept).toBeGreaterThan(10);
  expect(await log.bounds('lobby')).toEqual({ first: 1, last: kept });
});

test('follows a room over one subscription, however many follow it, and none when nobody does', async () => {
  await using logs = await startLogs(nats);
  const { log, link } = await logs.openReplica();
  const subscribe = link.subscribe.bind(link);
  const subscribed: string[] = [];
  link.subscribe = (subject, hear) => {
    subscribed.push(subject);
    const stop = subscribe(subject, hear);
    return () => {
      subscribed.splice(subscribed.indexOf(subject), 1);
      stop();
    };
  };
  const followers = await Promise.all(Array.from({ length: 20 }, () => followRoom(log)));
  expect(subscribed).toEqual([`${logs.prefix}.told.lobby`]);
  await log.append(newNote());
  await Promise.all(followers.map((told) => told.reach(1)));
  for (const told of followers) told[Symbol.dispose]();
  expect(subscribed).toEqual([]);
});

test('goes on with a room whose deletion was broken off, and finishes that when it is asked for again', async () => {
  await using logs = await startLogs(nats);
  const { log, link } = await logs.openReplica();
  const breakOff = async (room: string): Promise<void> => {
    await log.append(newNote({ room }));
    await link.ask(async ({ jsm }) => {
      const { config } = await jsm.streams.info(`${logs.prefix}-notes-${room}`);
      const sealed = { ...config, sealed: true };
      await jsm.streams.update(config.name, sealed);
    });
  };
  await breakOff('asked-again');
  expect(await log.rooms('', 10)).toEqual([]);
  expect(await log.delete('asked-again')).toBe(true);
  expect((await log.append(newNote({ room: 'asked-again' }))).note.seq).toBe('3');
  await breakOff('written');
  await expect(log.append(newNote({ room: 'written' }))).rejects.toMatchObject({ reason: 'LOG_UNAVAILABLE' });
  expect((await log.append(newNote({ room: 'written' }))).note.seq).toBe('3');
});

test('gives the notes of a room that was made anew their numbers by the name of its stream, to every replica', async () => {
  await using logs = await startLogs(nats);
  const [{ log, link }, other] = [await logs.openReplica(), await logs.open()];
  for (const _ of [1, 2, 3]) await log.append(newNote());
  await other.delete('lobby');
  using told = await followRoom(other);
  const sent = await log.append(newNote({ noteId: 'same' }));
  expect(sent.note.seq).toBe('5');
  expect(await other.append(newNote({ noteId: 'same' }))).toEqual({ isNew: false, note: sent.note });
  const { state } = await link.ask(({ jsm }) => jsm.streams.info(`${logs.prefix}-notes-lobby_4`));
  expect(state).toMatchObject({ first_seq: 1, last_seq: 1 });
  for (const replica of [log, other, await logs.open()]) {
    expect(await replica.read('lobby', 0, 10)).toEqual([sent.note]);
    expect(await replica.rooms('', 10)).toMatchObject([{ name: 'lobby', firstSeq: '5', lastSeq: '5' }]);
  }
  await told.reach(5);
  expect(told.notes).toEqual([sent.note]);
});

test('appends nothing to a stream that was made by somebody who had not heard of the last deletion', async () => {
  await using logs = await startLogs(nats);
  const { log, link } = await logs.openReplica();
  await log.append(newNote());
  await log.delete('lobby');
  const late = { name: `${logs.prefix}-notes-lobby`, subjects: [`${logs.prefix}.notes.lobby`], allow_direct: true };
  await link.ask(({ jsm }) => jsm.streams.add(late));
  await expect(log.append(newNote())).rejects.toMatchObject({ reason: 'LOG_UNAVAILABLE' });
  expect((await log.append(newNote())).note.seq).toBe('3');
});

test('a deletion that is finished late does not set the numbers back', async () => {
  await using logs = await startLogs(nats);
  const { link } = await logs.openReplica();
  const deleted = new DeletedRooms(link, logs.prefix, 1);
  await Promise.all([4, 9, 6, 2].map((seq) => deleted.add('lobby', seq)));
  await deleted.add('lobby', 5);
  expect(await deleted.seqOf('lobby')).toBe(9);
  expect(await deleted.seqOf('elsewhere')).toBe(0);
});

test('lists the rooms for many callers at once with one question for all, and one for each room', async () => {
  await using logs = await startLogs(nats);
  const { log, link } = await logs.openReplica();
  for (const room of ['a', 'b', 'c']) await log.append(newNote({ room }));
  let questions = 0;
  const [ask, askUntilAnswered] = [link.ask.bind(link), link.askUntilAnswered.bind(link)];
  link.ask = (asked) => ((questions += 1), ask(asked));
  link.askUntilAnswered = (asked) => ((questions += 1), askUntilAnswered(asked));
  const listings = await Promise.all(Array.from({ length: 200 }, () => log.rooms('', 10)));
  for (const rooms of listings) expect(rooms.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  expect(questions).toBeLessThanOrEqual(8); // twice as many, when it takes longer than an answer is kept
  const other = await logs.open();
  await log.append(newNote({ room: 'a' }));
  expect((await log.rooms('', 1))[0]).toMatchObject({ name: 'a', lastSeq: '2' });
  await other.append(newNote({ room: 'd' }));
  await vi.waitFor(async () => expect(await log.rooms('', 10)).toHaveLength(4), 5000);
  await log.delete('a');
  expect((await log.rooms('', 10)).map(({ name }) => name)).toEqual(['b', 'c', 'd']);
});
