import { encodedForm, reportBackpressure } from '@rollcall/grpc';
import { chat } from '@rollcall/proto';
import { Observable } from 'rxjs';
import { expect, test } from 'vitest';
import type { NoteLog } from '../../src/log/note-log.ts';
import { NoteStream } from '../../src/notes/stream.ts';
import type { Presence } from '../../src/presence/presence.ts';
import { RecentNotes } from '../../src/rooms/recent-notes.ts';
import { RoomFeed } from '../../src/rooms/feed.ts';

const { KIND_NOTE, KIND_CHECKPOINT } = chat.RoomEvent_Kind;

function note(seq: number): chat.Note {
  const sendTime = { seconds: '0', nanos: 0 };
  return { room: 'hall', seq: String(seq), noteId: `n${seq}`, authorId: '0', authorName: '', message: 'x', sendTime };
}

/** Waits for some microtasks, one behind the other. */
async function microtasks(count: number): Promise<void> {
  for (let done = 0; done < count; done++) await Promise.resolve();
}

/** A room whose log has 10 notes, and what comes then. */
async function openRoom() {
  const kept = Array.from({ length: 10 }, (_, at) => note(at + 1));
  let hear: (notes: readonly chat.Note[]) => void = () => undefined;
  const log: Pick<NoteLog, 'follow' | 'read'> = {
    follow: (_, listener) => {
      hear = listener;
      return Promise.resolve({ from: 8, close: () => undefined });
    },
    read: (_, afterSeq, limit) => Promise.resolve(kept.slice(afterSeq, afterSeq + limit)),
  };
  const presence: Pick<Presence, 'watch'> = { watch: () => () => undefined };
  const feed = await RoomFeed.open('hall', log as NoteLog, presence as Presence);
  hear(kept.slice(8)); // two of the ten are recent ones, and have not to be read
  const come = (): void => {
    const next = note(kept.length + 1);
    kept.push(next);
    hear([next]);
  };
  return { feed, log: log as NoteLog, come, last: () => kept.length };
}

/** Reads a room from its first note, and calls `during` with each event. @returns what it has got */
function read({ feed, log }: Awaited<ReturnType<typeof openRoom>>, during: (event: chat.RoomEvent) => void) {
  const got: chat.RoomEvent[] = [];
  const source = new Observable<chat.StreamNotesResponse>((subscriber) => {
    const stream = new NoteStream(log, feed, subscriber, 0, false);
    void stream.run();
    return () => stream.close();
  });
  const subscription = source.subscribe(({ events }) => {
    for (const event of events) {
      got.push(event);
      during(event);
    }
  });
  return { got, subscription };
}

const seqs = (events: readonly chat.RoomEvent[]): string[] =>
  events.filter(({ kind }) => kind === KIND_NOTE).map(({ seq }) => seq);
const numbers = (last: number): string[] => Array.from({ length: last }, (_, at) => String(at + 1));

test.each(
  Array.from({ length: 12 }, (_, depth) => [depth] as const).flatMap(([depth]) =>
    ['1', '8', '10', 'checkpoint'].map((at) => [depth, at] as const),
  ),
)('gives every note, in order, when one comes %i microtasks behind %s, and one later', async (depth, at) => {
  const room = await openRoom();
  const { got, subscription } = read(room, ({ kind, seq }) => {
    if (kind === KIND_CHECKPOINT ? at !== 'checkpoint' : seq !== at) return;
    void microtasks(depth).then(room.come);
  });
  while (room.last() < 11) await new Promise((resolve) => setImmediate(resolve));
  room.come();
  while (got.at(-1)?.seq !== '12') await new Promise((resolve) => setImmediate(resolve));
  expect(seqs(got)).toEqual(numbers(12));
  // Nothing that says how far the reader has come is ahead of what it has got.
  let last = 0;
  for (const { seq, kind } of got) {
    expect(Number(seq)).toBeLessThanOrEqual(kind === KIND_NOTE ? last + 1 : last);
    last = Math.max(last, Number(seq));
  }
  subscription.unsubscribe();
  room.feed.close();
});

test.each(Array.from({ length: 12 }, (_, depth) => depth))(
  'gives every note to a reader that is full now and then, when one comes %i microtasks behind its going on',
  async (depth) => {
    const room = await openRoom();
    const { got, subscription } = read(room, ({ seq }) => {
      const relief = Promise.withResolvers<void>();
      reportBackpressure(relief.promise);
      setImmediate(() => {
        relief.resolve();
        if (Number(seq) < 30) void microtasks(depth).then(() => room.last() < 30 && room.come());
      });
    });
    while (room.last() < 30 || seqs(got).length < room.last()) await new Promise((resolve) => setImmediate(resolve));
    expect(seqs(got)).toEqual(numbers(30));
    subscription.unsubscribe();
    room.feed.close();
  },
);

test('keeps of a note what its message takes, and not the memory that Node shares out', () => {
  const recent = new RecentNotes(0);
  const [group] = recent.add([note(1)]);
  expect(group?.message[encodedForm].buffer.byteLength).toBe(group?.message[encodedForm].length);
});
