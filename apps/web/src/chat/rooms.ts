import { computed, effect, signal, untracked } from '@preact/signals';
import type { ListRoomsResponseJson } from '@rollcall/proto/json';
import { call, query } from '../calls/call.ts';
import { type Problem, problemIn } from '../calls/problem.ts';
import { storedJson, store } from '../parts/stored.ts';
import { callerId, may } from '../shell/caller.ts';
import { route } from '../shell/route.ts';
import {
  areMarks,
  type Extent,
  joined,
  marksAtFirstVisit,
  type ReadMarks,
  readUpTo,
  unreadIn,
} from './notes/read-marks.ts';

/** A room in the list. */
export interface Room extends Extent {
  readonly lastNoteTime: string | undefined;
}

/** The rooms that have notes; undefined until they are known. */
export const rooms = signal<readonly Room[] | undefined>(undefined);
export const roomsProblem = signal<Problem | undefined>(undefined);
const marks = signal<ReadMarks>({});

/** The rooms are asked for so often: their streams are closed, but for the one that is open. */
const everyMs = 10_000;

/** How many notes of a room were not read. */
export function unreadOf(room: Room): number {
  return unreadIn(marks.value, room);
}

/** How many rooms have notes that were not read. */
export const unreadRooms = computed(() => (rooms.value ?? []).filter((room) => unreadIn(marks.value, room) > 0).length);

/** Up to which note a room was read; undefined when it never was. */
export function markOf(room: string): number | undefined {
  return marks.peek()[room];
}

/** Remembers that a room was read up to a note. */
export function markRead(room: string, seq: number): void {
  const changed = readUpTo(marks.peek(), room, seq);
  if (changed === marks.peek()) return;
  marks.value = changed;
  if (rooms.peek() !== undefined) keepMarks(); // before, it is not known whether this is the first visit
}

function keepMarks(): void {
  marks.value = joined(marks.peek(), storedJson(key(), areMarks) ?? {}); // another tab may have read on
  store(key(), JSON.stringify(marks.value));
}

/** Takes in what the stream of the open room has told. */
export function extendRoom(name: string, lastSeq: number, lastNoteTime: string): void {
  const known = rooms.peek();
  const room = known?.find((each) => each.name === name);
  if (known === undefined || (room !== undefined && room.lastSeq >= lastSeq)) return;
  const extended = { firstSeq: 1, ...room, name, lastSeq, lastNoteTime };
  rooms.value = [...known.filter((each) => each !== room), extended].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

export async function findRooms(): Promise<void> {
  const found: Room[] = [];
  let pageToken = '';
  try {
    do {
      const page = await call<ListRoomsResponseJson>('GET', `v1/rooms${query({ pageSize: 1000, pageToken })}`);
      for (const { name = '', firstSeq = '1', lastSeq = '0', lastNoteTime } of page.rooms ?? [])
        found.push({ name, firstSeq: Number(firstSeq), lastSeq: Number(lastSeq), lastNoteTime });
      pageToken = page.nextPageToken ?? '';
    } while (pageToken !== '');
    roomsProblem.value = undefined;
  } catch (error) {
    roomsProblem.value = problemIn(error);
    return;
  }
  if (storedJson(key(), areMarks) === undefined) marks.value = joined(marks.peek(), marksAtFirstVisit(found));
  rooms.value = found;
  keepMarks();
}

/** Keeps the rooms known, while the page is seen. */
export function followChat(): void {
  const chats = computed(() => may('chat.v1.ChatService.ListRooms'));
  const seen = signal(document.visibilityState === 'visible');
  document.addEventListener('visibilitychange', () => (seen.value = document.visibilityState === 'visible'));
  effect(() => {
    void callerId.value; // each has marks of their own
    rooms.value = undefined;
    marks.value = storedJson(key(), areMarks) ?? {};
  });
  effect(() => {
    void callerId.value;
    if (!chats.value || !seen.value) return;
    const pace = route.value.view === 'chat' ? everyMs : 3 * everyMs;
    void untracked(findRooms);
    const timer = setInterval(() => void findRooms(), pace);
    return () => clearInterval(timer);
  });
  addEventListener('storage', () => {
    marks.value = joined(marks.peek(), storedJson(key(), areMarks) ?? {});
  });
}

function key(): string {
  return `read.${callerId.peek()}`;
}
