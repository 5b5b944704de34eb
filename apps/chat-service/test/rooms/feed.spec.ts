import { chat } from '@rollcall/proto';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { NoteLog } from '../../src/log/note-log.ts';
import type { Presence, PresenceChange } from '../../src/presence/presence.ts';
import type { Group } from '../../src/rooms/recent-notes.ts';
import type { EncodedEvents } from '../../src/rooms/events.ts';
import { type LiveReader, RoomFeed } from '../../src/rooms/feed.ts';

const { KIND_CHECKPOINT, KIND_JOINED } = chat.RoomEvent_Kind;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function note(seq: number): chat.Note {
  const sendTime = { seconds: '0', nanos: 0 };
  return { room: 'hall', seq: String(seq), noteId: `n${seq}`, authorId: '0', authorName: '', message: 'x', sendTime };
}

class Reader implements LiveReader {
  readonly wantsPresence: boolean;
  readonly groups: Group[] = [];
  readonly told: EncodedEvents[] = [];
  readonly lost: number[] = [];

  constructor(wantsPresence = false) {
    this.wantsPresence = wantsPresence;
  }

  hear(group: Group): void {
    this.groups.push(group);
  }

  tell(message: EncodedEvents): void {
    this.told.push(message);
  }

  look(): void {} // it is never slow

  end(): void {} // no room is deleted here

  lose(last: number): void {
    this.lost.push(last);
  }
}

/** A feed behind note 7, and what its log and its presence tell it. */
async function openFeed() {
  let hear: (notes: readonly chat.Note[]) => void = () => undefined;
  let change: (change: PresenceChange) => void = () => undefined;
  const log: Pick<NoteLog, 'follow'> = {
    follow: (_, listener) => {
      hear = listener;
      hear([note(8)]); // it may come before the answer does
      return Promise.resolve({ from: 7, close: () => undefined });
    },
  };
  const presence: Pick<Presence, 'watch'> = {
    watch: (_, listener) => {
      change = listener;
      return () => undefined;
    },
  };
  const feed = await RoomFeed.open('hall', log as NoteLog, presence as Presence);
  return { feed, hear: (...notes: chat.Note[]) => hear(notes), change: (what: PresenceChange) => change(what) };
}

test('has what came before it was open, and gives all readers the very same message', async () => {
  const { feed, hear } = await openFeed();
  expect(feed.recent.last).toBe(8);
  const readers = [new Reader(), new Reader(), new Reader()];
  for (const reader of readers) feed.join(reader);
  hear(note(9), note(10));
  const [first, ...others] = readers.map(({ groups }) => groups[0]?.message);
  expect(first?.events.map(({ seq }) => seq)).toEqual(['9', '10']);
  expect(others.every((message) => message === first)).toBe(true);
  feed.close();
});

test('says every 15 seconds of silence up to which note everything was sent', async () => {
  const { feed, hear } = await openFeed();
  const reader = new Reader();
  feed.join(reader);
  vi.advanceTimersByTime(10_000);
  hear(note(9));
  vi.advanceTimersByTime(14_000);
  expect(reader.told).toEqual([]);
  vi.advanceTimersByTime(2000);
  expect(reader.told.map(({ events }) => events)).toEqual([
    [{ kind: KIND_CHECKPOINT, seq: '9', note: null, gap: null, members: [] }],
  ]);
  vi.advanceTimersByTime(31_000);
  expect(reader.told).toHaveLength(3);
  feed.close();
  vi.advanceTimersByTime(60_000);
  expect(reader.told).toHaveLength(3);
});

test('tells readers when the log was lost and begins anew, and goes on with that', async () => {
  const { feed, hear } = await openFeed();
  const reader = new Reader();
  feed.join(reader);
  hear(note(3), note(4));
  expect(reader.lost).toEqual([2]);
  expect(feed.recent.last).toBe(4);
  feed.close();
});

test('tells who came only those who want to know, behind the last note', async () => {
  const { feed, change } = await openFeed();
  const [reader, other] = [new Reader(true), new Reader()];
  feed.join(reader);
  feed.join(other);
  const member = { userId: '1', name: 'Ada', present: true, joinTime: null, lastSeenTime: null };
  change({ kind: KIND_JOINED, members: [member] });
  expect(reader.told[0]?.events).toEqual([{ kind: KIND_JOINED, seq: '8', note: null, gap: null, members: [member] }]);
  expect(other.told).toEqual([]);
  feed.close();
});
