import { chat } from '@rollcall/proto';
import { expect, test, vi } from 'vitest';
import type { Presence, PresenceChange } from '../../src/presence/presence.ts';

const { KIND_JOINED, KIND_LEFT } = chat.RoomEvent_Kind;

/** Who is in the rooms, as the suite opens it. */
export interface TestedPresence extends AsyncDisposable {
  /** Opens it for one more replica; the embedded one is one, which all share. */
  open(): Promise<Presence>;
  /** Ends all, and opens it again. */
  restart(): Promise<Presence>;
}

const ada = { id: '1', name: 'Ada' };
const grace = { id: '2', name: 'Grace' };

/** What a watcher of the lobby was told, each user on its own. */
export function watchLobby(presence: Presence): { readonly told: string[]; readonly changes: PresenceChange[] } {
  const told: string[] = [];
  const changes: PresenceChange[] = [];
  presence.watch('lobby', (change) => {
    changes.push(change);
    for (const { name, present } of change.members) told.push(`${name} ${present ? 'came' : 'left'}`);
  });
  return { told, changes };
}

/** The names of those who are in a room. */
export async function presentNames(presence: Presence, room = 'lobby'): Promise<string[]> {
  const members = await presence.members(room);
  return members
    .filter(({ present }) => present)
    .map(({ name }) => name)
    .toSorted();
}

/** What every one of them does. */
export function presenceSuite(start: () => Promise<TestedPresence>): void {
  test('tells who comes and goes on any replica, to watchers on every one', async () => {
    await using rooms = await start();
    const [one, two] = [await rooms.open(), await rooms.open()];
    const watching = [watchLobby(one), watchLobby(two)];
    const leave = one.enter('lobby', ada);
    two.enter('lobby', grace);
    two.enter('kitchen', { id: '3', name: 'Edsger' });
    for (const { told } of watching)
      await vi.waitFor(() => expect(told.toSorted()).toEqual(['Ada came', 'Grace came']), 5000);
    leave();
    leave();
    for (const { told, changes } of watching) {
      await vi.waitFor(() => expect(told.at(-1)).toBe('Ada left'), 5000);
      expect(changes.at(-1)).toMatchObject({ kind: KIND_LEFT, members: [{ userId: '1', joinTime: null }] });
      expect(changes[0]?.kind).toBe(KIND_JOINED);
      expect(changes[0]?.members.map(({ lastSeenTime }) => lastSeenTime)).not.toContainEqual(expect.anything());
    }
    for (const presence of [one, two]) {
      expect(await presentNames(presence)).toEqual(['Grace']);
      expect(await presence.members('lobby')).toMatchObject([
        { name: 'Grace', userId: '2', present: true, lastSeenTime: null },
        { name: 'Ada', userId: '1', present: false, joinTime: null },
      ]);
    }
  });

  test('has a user once who has several streams of a room, on any replica, until the last one ends', async () => {
    await using rooms = await start();
    const [one, two] = [await rooms.open(), await rooms.open()];
    const { told } = watchLobby(one);
    const leaves = [one.enter('lobby', ada), one.enter('lobby', ada), two.enter('lobby', ada)];
    const marker = two.enter('lobby', grace);
    await vi.waitFor(() => expect(told.toSorted()).toEqual(['Ada came', 'Grace came']), 5000);
    leaves[0]?.();
    leaves[1]?.();
    marker();
    await vi.waitFor(() => expect(told.at(-1)).toBe('Grace left'), 5000);
    expect(told).toHaveLength(3);
    expect(await presentNames(one)).toEqual(['Ada']);
    leaves[2]?.();
    await vi.waitFor(() => expect(told.at(-1)).toBe('Ada left'), 5000);
  });

  test('tells nothing of who leaves and comes back at once', async () => {
    await using rooms = await start();
    const presence = await rooms.open();
    const { told } = watchLobby(presence);
    let leave = presence.enter('lobby', ada);
    await vi.waitFor(() => expect(told).toEqual(['Ada came']), 5000);
    for (let index = 0; index < 20; index += 1) {
      leave();
      leave = presence.enter('lobby', ada);
    }
    presence.enter('lobby', grace);
    await vi.waitFor(() => expect(told.at(-1)).toBe('Grace came'), 5000);
    expect(told).toEqual(['Ada came', 'Grace came']);
  });

  test('tells of many who come at once in few messages', async () => {
    await using rooms = await start();
    const [one, two] = [await rooms.open(), await rooms.open()];
    const { told, changes } = watchLobby(one);
    for (let index = 1; index <= 1200; index += 1) two.enter('lobby', { id: String(index), name: `user ${index}` });
    await vi.waitFor(() => expect(told).toHaveLength(1200), 10_000);
    expect(changes.length).toBeLessThan(6);
    expect(await presentNames(one)).toHaveLength(1200);
  });

  test('knows after a restart who was there, the latest first, and nobody as present', async () => {
    await using rooms = await start();
    const before = await rooms.open();
    const { told } = watchLobby(before);
    const leave = before.enter('lobby', ada);
    before.enter('lobby', grace);
    before.enter('kitchen', grace);
    await vi.waitFor(() => expect(told).toHaveLength(2), 5000);
    leave();
    await vi.waitFor(() => expect(told).toHaveLength(3), 5000);
    await before.members('lobby');
    const presence = await rooms.restart();
    const members = await presence.members('lobby');
    expect(members.map(({ name, present }) => `${name} ${present}`).toSorted()).toEqual(['Ada false', 'Grace false']);
    for (const { lastSeenTime } of members)
      expect(Math.abs(Date.now() / 1000 - Number(lastSeenTime?.seconds))).toBeLessThan(60);
    expect(await presence.members('attic')).toEqual([]);
    presence.enter('lobby', ada);
    await vi.waitFor(async () => expect(await presentNames(presence)).toEqual(['Ada']), 5000);
    expect(await presence.members('lobby')).toMatchObject([{ name: 'Ada' }, { name: 'Grace' }]);
  });

  test('tells of 200 who were in a room at the most: those who were seen last', async () => {
    await using rooms = await start();
    const before = await rooms.open();
    const { told } = watchLobby(before);
    for (let first = 1; first <= 500; first += 100) {
      const leaves = Array.from({ length: 100 }, (_, index) =>
        before.enter('lobby', { id: String(first + index), name: `user ${first + index}` }),
      );
      await vi.waitFor(() => expect(told.at(-1)).toMatch(/came/), 5000);
      const length = told.length;
      for (const leave of leaves) leave();
      await vi.waitFor(() => expect(told).toHaveLength(length + 100), 5000);
    }
    const ids = (members: readonly chat.Member[]) =>
      members.map(({ userId }) => Number(userId)).toSorted((a, b) => a - b);
    const last = Array.from({ length: 200 }, (_, index) => 301 + index);
    expect(ids(await before.members('lobby'))).toEqual(last);
    expect(ids(await (await rooms.restart()).members('lobby'))).toEqual(last);
  });

  test('keeps nothing of those who were in a room that is not there', async () => {
    await using rooms = await start();
    const before = await rooms.open();
    const told: PresenceChange[] = [];
    before.watch('nowhere', (change) => told.push(change));
    const leave = before.enter('nowhere', ada);
    before.enter('lobby', grace);
    await vi.waitFor(() => expect(told).toHaveLength(1), 5000);
    leave();
    await vi.waitFor(() => expect(told).toHaveLength(2), 5000);
    const after = await rooms.restart();
    await vi.waitFor(async () => expect(await after.members('lobby')).toHaveLength(1), 5000);
    expect(await after.members('nowhere')).toEqual([]);
  });

  test('tells those who no longer watch nothing', async () => {
    await using rooms = await start();
    const presence = await rooms.open();
    const gone: PresenceChange[] = [];
    const unwatch = presence.watch('lobby', (change) => gone.push(change));
    const { told } = watchLobby(presence);
    unwatch();
    presence.enter('lobby', ada);
    await vi.waitFor(() => expect(told).toHaveLength(1), 5000);
    expect(gone).toEqual([]);
  });
}
