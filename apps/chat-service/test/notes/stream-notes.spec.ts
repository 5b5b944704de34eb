import { status as Status } from '@grpc/grpc-js';
import { reportBackpressure } from '@rollcall/grpc';
import { chat } from '@rollcall/proto';
import { firstValueFrom, Observable } from 'rxjs';
import { makeDirectory } from '@rollcall/test-servers';
import { expect, test } from 'vitest';
import { collect, failure, range, read, send, sendMany, startChat } from '../service.ts';

const { KIND_NOTE, KIND_GAP, KIND_CHECKPOINT } = chat.RoomEvent_Kind;

const caughtUp = (events: readonly chat.RoomEvent[]): boolean => events.some(({ kind }) => kind === KIND_CHECKPOINT);

test('begins with the latest 50 notes, says when it has caught up, then tells what comes', async () => {
  await using service = await startChat();
  await sendMany(service, 60);
  using reader = read(service);
  await reader.until(caughtUp);
  expect(reader.seqs()).toEqual(range(11, 60));
  expect(reader.events.at(-1)).toMatchObject({ kind: KIND_CHECKPOINT, seq: '60' });
  await send(service, { message: 'live' });
  await reader.until((events) => events.at(-1)?.note?.message === 'live');
  expect(reader.events.at(-1)).toMatchObject({ kind: KIND_NOTE, seq: '61' });
});

test.each([
  ['all that are kept', { afterSeq: '0' }, range(1, 260)],
  ['those behind a number', { afterSeq: '257' }, range(258, 260)],
  ['none, when there are none behind the number', { afterSeq: '260' }, []],
  ['some of the latest', { latest: 3 }, range(258, 260)],
  ['none of the latest', { latest: 0 }, []],
  ['all, when more of the latest are asked for than there are', { latest: 1000 }, range(1, 260)],
])('begins with %s', async (_, request, expected) => {
  await using service = await startChat();
  await Promise.all(range(1, 260).map(() => send(service)));
  using reader = read(service, request);
  await reader.until(caughtUp);
  expect(reader.seqs()).toEqual(expected);
});

test('goes on behind the last note that was seen, wherever it was cut', async () => {
  await using service = await startChat();
  const sending = sendMany(service, 400);
  const seen: number[] = [];
  while (seen.length < 400) {
    const cut = seen.length + 1 + Math.floor(Math.random() * 40);
    using reader = read(service, { afterSeq: String(seen.at(-1) ?? 0) });
    await reader.until(() => reader.seqs().length + seen.length >= Math.min(cut, 400));
    seen.push(...reader.seqs());
  }
  await sending;
  expect(seen).toEqual(range(1, 400));
});

test('readers that come while notes are sent have all of them once and in order', async () => {
  await using service = await startChat();
  const readers: ReturnType<typeof read>[] = [];
  const sending = Promise.all(range(1, 20).map(() => sendMany(service, 25)));
  for (let count = 0; count < 40; count += 1) {
    readers.push(read(service, { afterSeq: '0' }));
    await send(service);
  }
  await sending;
  for (const reader of readers) {
    await reader.until(() => reader.seqs().length >= 540);
    expect(reader.seqs()).toEqual(range(1, 540));
    reader.close();
  }
});

test('says that a number is beyond the last note', async () => {
  await using service = await startChat();
  await sendMany(service, 2);
  using reader = read(service, { afterSeq: '3' });
  expect(await reader.error()).toMatchObject({ code: Status.OUT_OF_RANGE, reason: 'SEQ_UNKNOWN' });
  using elsewhere = read(service, { room: 'empty', afterSeq: '18446744073709551615' });
  expect(await elsewhere.error()).toMatchObject({ reason: 'SEQ_UNKNOWN' });
});

test('tells of the gap that retention has left', async () => {
  using folder = makeDirectory();
  {
    await using before = await startChat({ dataDir: folder.path });
    await sendMany(before, 30);
  }
  await using service = await startChat({
    dataDir: folder.path,
    retention: { maxAgeMs: undefined, maxNotes: 10 },
  });
  const first = async (): Promise<string | undefined> =>
    (await firstValueFrom(service.chat.listRooms({ pageSize: 0, pageToken: '' }))).rooms[0]?.firstSeq;
  while ((await first()) !== '21') continue; // what is not kept is removed in the background
  using reader = read(service, { afterSeq: '5' });
  await reader.until(caughtUp);
  expect(reader.events[0]).toMatchObject({ kind: KIND_GAP, seq: '20', gap: { firstSeq: '6', lastSeq: '20' } });
  expect(reader.seqs()).toEqual(range(21, 30));
});

test('refuses what the contract does not take', async () => {
  await using service = await startChat();
  const request = { room: 'hall', presence: false, presentAs: '0' };
  expect(await failure(service.chat.streamNotes({ ...request, latest: 1001 }))).toMatchObject({
    code: Status.INVALID_ARGUMENT,
    details: { violations: [{ field: 'latest' }] },
  });
  expect(await failure(service.chat.streamNotes({ ...request, room: 'No room' }))).toMatchObject({
    details: { violations: [{ field: 'room' }] },
  });
});

test('a reader that takes nothing is ended, with the number to go on behind, and costs nobody else', async () => {
  await using service = await startChat();
  await sendMany(service, 3);
  const stopped = Promise.withResolvers<void>();
  const slow = collect(
    new Observable<chat.StreamNotesResponse>((subscriber) =>
      service.chat.streamNotes({ room: 'hall', presence: false, presentAs: '0' }).subscribe({
        next: (message) => {
          subscriber.next(message);
          reportBackpressure(stopped.promise);
        },
        error: (error: unknown) => subscriber.error(error),
      }),
    ),
  );
  using quick = read(service);
  await quick.until(caughtUp);
  await slow.until((events) => events.length > 0);
  const message = 'x'.repeat(4096);
  for (let sent = 3; sent < 1503; sent += 50) {
    await Promise.all(range(1, 50).map(() => send(service, { message })));
    await quick.until(() => quick.seqs().length === sent + 50);
  }
  stopped.resolve(); // it reads what was on its way, then hears why
  const { reason, code, details } = await slow.error();
  expect([code, reason]).toEqual([Status.RESOURCE_EXHAUSTED, 'READER_TOO_SLOW']);
  expect(details.metadata?.['cursor']).toBe(String(slow.seqs().at(-1)));
  expect(slow.seqs()).toEqual(range(1, slow.seqs().length));
  using resumed = read(service, { afterSeq: details.metadata?.['cursor'] ?? '' });
  await resumed.until(() => resumed.seqs().at(-1) === 1503);
  expect([...slow.seqs(), ...resumed.seqs()]).toEqual(range(1, 1503));
});

test('is told behind which note it ends when the service does', async () => {
  await using service = await startChat();
  await sendMany(service, 5);
  using reader = read(service);
  await reader.until(caughtUp);
  const closing = service.close();
  expect(await reader.error()).toMatchObject({
    code: Status.UNAVAILABLE,
    details: { metadata: { cursor: '5' } },
  });
  await closing;
});
