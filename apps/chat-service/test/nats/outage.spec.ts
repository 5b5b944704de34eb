import { status as Status } from '@grpc/grpc-js';
import { startNats } from '@rollcall/test-servers';
import { expect, test } from 'vitest';
import { disorderOf, followRoom, inOrder, newNote } from '../notes/told.ts';
import { startLogs } from './nats-logs.ts';
import { sendOn, sendUntilKept, type Sent } from './senders.ts';

/** How long NATS is away, in milliseconds. */
const outageMs = Number(process.env['OUTAGE_MS'] ?? 2000);

/** How long it may take until followers have all, in milliseconds. */
const completeMs = 5000;

const rooms = ['lobby', 'kitchen', 'attic'];

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

test(
  `NATS killed for ${outageMs / 1000} s under senders and followers: senders are told UNAVAILABLE, every note is there once, and followers have all within 5 s`,
  { timeout: 60_000 + 2 * outageMs },
  async () => {
    await using nats = await startNats();
    await using logs = await startLogs(nats);
    const replicas = [await logs.open(), await logs.open(), await logs.open()] as const;
    const followers = await Promise.all(
      rooms.flatMap((room) => replicas.map(async (log) => ({ room, told: await followRoom(log, room) }))),
    );
    const stop = new AbortController();
    const sending = rooms.flatMap((room) =>
      replicas.flatMap((log) => [sendOn(log, room, stop.signal), sendOn(log, room, stop.signal)]),
    );
    const [log] = replicas;
    for (let round = 0; round < 2; round += 1) {
      await after(500);
      await nats.kill();
      const start = performance.now();
      const outcomes = await Promise.allSettled([log.append(newNote()), log.bounds('lobby'), log.read('lobby', 0, 10)]);
      for (const outcome of outcomes)
        expect(outcome).toMatchObject({
          status: 'rejected',
          reason: { code: Status.UNAVAILABLE, reason: 'LOG_UNAVAILABLE', details: { retryDelayMs: 1000 } },
        });
      expect(performance.now() - start).toBeLessThan(completeMs);
      expect(await log.answers()).toBe(false);
      await after(round === 0 ? outageMs : 1000);
      await nats.start();
    }
    const back = performance.now();
    await after(1500);
    stop.abort();
    const all = await Promise.all(sending);
    const last = new Map(await Promise.all(rooms.map(async (room) => [room, (await log.bounds(room)).last] as const)));
    await Promise.all(followers.map(({ room, told }) => told.reach(last.get(room) ?? 0)));
    expect(performance.now() - back).toBeLessThan(completeMs);
    for (const { room, told } of followers) {
      expect(disorderOf(told.notes, told.following.from + 1, last.get(room) ?? 0)).toEqual(inOrder);
      // Each note has its id once, and those that were acknowledged have the number that was said.
      const ids = new Map(told.notes.map(({ noteId, seq }) => [noteId, seq]));
      expect(ids.size).toBe(told.notes.length);
    }
    const kept = new Map(followers.flatMap(({ told }) => told.notes.map(({ noteId, seq }) => [noteId, seq] as const)));
    for (const { acknowledged, errors, longestMs } of all) {
      expect([...acknowledged].filter(([id, seq]) => kept.get(id) !== seq)).toEqual([]);
      expect(errors.length).toBeGreaterThan(0);
      for (const error of errors) {
        expect(error).toMatchObject({ code: Status.UNAVAILABLE, reason: 'LOG_UNAVAILABLE' });
        expect(error.message).not.toMatch(/nats|ECONN|127\.0\.0\.1|socket|timeout/i);
      }
      expect(longestMs).toBeLessThan(completeMs);
    }
    for (const { told } of followers) told[Symbol.dispose]();
  },
);

test('a server that stands still: calls end within 5 s, and followers have all within 5 s of its return', async () => {
  await using nats = await startNats();
  await using logs = await startLogs(nats);
  const [log, other] = [await logs.open(), await logs.open()];
  using told = await followRoom(log);
  await other.append(newNote());
  nats.pause();
  const start = performance.now();
  const outcomes = await Promise.allSettled([other.append(newNote()), other.bounds('lobby'), log.read('lobby', 0, 9)]);
  expect(performance.now() - start).toBeLessThan(completeMs);
  for (const outcome of outcomes)
    expect(outcome).toMatchObject({ status: 'rejected', reason: { reason: 'LOG_UNAVAILABLE' } });
  expect(await log.answers()).toBe(false);
  nats.resume();
  const back = performance.now();
  const sent: Sent = { acknowledged: new Map(), errors: [], longestMs: 0 };
  const { seq } = await sendUntilKept(other, newNote(), sent);
  await told.reach(Number(seq));
  expect(performance.now() - back).toBeLessThan(completeMs);
  expect(disorderOf(told.notes, 1, Number(seq))).toEqual(inOrder);
});

test('a replica that is cut off alone has every note once it is back, though others have sent meanwhile', async () => {
  await using nats = await startNats();
  await using logs = await startLogs(nats);
  const { log, link } = await logs.openReplica();
  const other = await logs.open();
  using told = await followRoom(log);
  for (let cut = 1; cut <= 3; cut += 1) {
    await link.ask(({ nats: connection }) => connection.close());
    await Promise.all(Array.from({ length: 300 }, () => other.append(newNote())));
    await told.reach(cut * 300);
  }
  expect(disorderOf(told.notes, 1, 900)).toEqual(inOrder);
});

test('a note whose acknowledgement was lost is kept once when it is sent again', async () => {
  await using nats = await startNats();
  await using logs = await startLogs(nats);
  const { log, link } = await logs.openReplica();
  await log.append(newNote());
  const ask = link.askPlainly.bind(link);
  link.askPlainly = async (run) => {
    await ask(run);
    throw new Error('the connection broke behind it');
  };
  const notes = Array.from({ length: 100 }, () => newNote());
  const outcomes = await Promise.allSettled(notes.map((note) => log.append(note)));
  expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
  link.askPlainly = ask;
  const sent: Sent = { acknowledged: new Map(), errors: [], longestMs: 0 };
  await Promise.all(notes.map((note) => sendUntilKept(log, note, sent)));
  expect(await log.bounds('lobby')).toEqual({ first: 1, last: 101 });
  const kept = [...(await log.read('lobby', 0, 60)), ...(await log.read('lobby', 60, 60))];
  expect(new Set(kept.map(({ noteId }) => noteId)).size).toBe(101);
});

test('notes that NATS did not tell of are read, also the last ones', async () => {
  await using nats = await startNats();
  await using logs = await startLogs(nats);
  const { log, link } = await logs.openReplica();
  const subscribe = link.subscribe.bind(link);
  let heard = 0;
  link.subscribe = (subject, hear) =>
    subscribe(subject, (message) => {
      heard += 1;
      if (heard % 7 !== 0 && heard < 495) hear(message);
    });
  using told = await followRoom(log);
  await Promise.all(Array.from({ length: 500 }, () => log.append(newNote())));
  await told.reach(500);
  expect(disorderOf(told.notes, 1, 500)).toEqual(inOrder);
});

test('a room that was lost with its disk begins again, for those who follow it too', async () => {
  await using nats = await startNats();
  await using logs = await startLogs(nats);
  const { log } = await logs.openReplica({ believeLossMs: 500 });
  using told = await followRoom(log);
  for (let index = 0; index < 5; index += 1) await log.append(newNote());
  await told.reach(5);
  await nats.kill();
  nats.forget();
  await nats.start();
  const sent: Sent = { acknowledged: new Map(), errors: [], longestMs: 0 };
  const note = newNote({ message: 'anew' });
  expect(await sendUntilKept(log, note, sent)).toMatchObject({ seq: '1' });
  while (told.notes.at(-1)?.seq !== '1') await told.reach(1).then(() => after(20));
  expect(told.notes.map(({ seq }) => seq)).toEqual(['1', '2', '3', '4', '5', '1']);
});
