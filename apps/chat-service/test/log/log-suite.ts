import { expect, test, vi } from 'vitest';
import type { NoteLog, Retention } from '../../src/log/note-log.ts';
import { disorderOf, followRoom, inOrder, newNote } from '../notes/told.ts';

/** The notes of one engine, as the suite opens them. */
export interface TestedLogs extends AsyncDisposable {
  /** Opens the log of one more replica; the embedded log has one, which all share. */
  open(options?: { readonly retention?: Partial<Retention>; readonly maxRooms?: number }): Promise<NoteLog>;
  /** Removes at once what retention does not keep, where that takes a while. */
  expire(log: NoteLog): Promise<void>;
}

/** How many notes are sent at a time, and all in all. */
const senders = 50;
const many = 1000;

/** What every log does, whatever keeps it. */
export function logSuite(start: () => Promise<TestedLogs>): void {
  test('numbers the notes of a room from 1 in the order of their commits, without holes, however many append at once', async () => {
    await using logs = await start();
    const replicas = [await logs.open(), await logs.open(), await logs.open()];
    const [log = await logs.open()] = replicas;
    const sent = new Map<string, string>();
    await Promise.all(
      Array.from({ length: senders }, async (_, sender) => {
        let before = 0;
        for (let index = 0; index < many / senders; index += 1) {
          const note = newNote();
          const appended = await (replicas[sender % replicas.length] ?? log).append(note);
          expect(appended).toMatchObject({ isNew: true, note });
          expect(Number(appended.note.seq)).toBeGreaterThan(before);
          before = Number(appended.note.seq);
          sent.set(appended.note.seq, note.noteId);
        }
      }),
    );
    expect(await log.bounds('lobby')).toEqual({ first: 1, last: many });
    const kept = [];
    while (kept.length < many) kept.push(...(await log.read('lobby', kept.length, 300)));
    expect(disorderOf(kept, 1, many)).toEqual(inOrder);
    expect(kept.every(({ seq, noteId }) => sent.get(seq) === noteId)).toBe(true);
  });

  test('keeps each room on its own', async () => {
    await using logs = await start();
    const log = await logs.open();
    await log.append(newNote({ room: 'a' }));
    await log.append(newNote({ room: 'b' }));
    const { note } = await log.append(newNote({ room: 'b' }));
    expect(note.seq).toBe('2');
    expect(await log.bounds('a')).toEqual({ first: 1, last: 1 });
  });

  test('gives the note that is there when its id is sent again, by any replica', async () => {
    await using logs = await start();
    const [first, second] = [await logs.open(), await logs.open()];
    const sent = await first.append(newNote({ noteId: 'same', message: 'as it was' }));
    await first.append(newNote());
    const again = newNote({ noteId: 'same', message: 'otherwise' });
    expect(await first.append(again)).toEqual({ isNew: false, note: sent.note });
    expect(await second.append(again)).toEqual({ isNew: false, note: sent.note });
    expect(await first.bounds('lobby')).toEqual({ first: 1, last: 2 });
    expect((await first.append({ ...again, room: 'elsewhere' })).isNew).toBe(true);
  });

  test('keeps a note once that is sent several times at once', async () => {
    await using logs = await start();
    const replicas = [await logs.open(), await logs.open()];
    const note = newNote();
    const appended = await Promise.all(
      Array.from({ length: 10 }, (_, index) => (replicas[index % 2] ?? replicas[0])?.append(note)),
    );
    expect(appended.filter((one) => one?.isNew)).toHaveLength(1);
    for (const one of appended) expect(one?.note).toEqual(appended[0]?.note);
    expect(await replicas[0]?.bounds('lobby')).toEqual({ first: 1, last: 1 });
  });

  test('reads the notes behind a number, up to some number of them', async () => {
    await using logs = await start();
    const log = await logs.open();
    const appended = [];
    for (let index = 0; index < 10; index += 1) appended.push((await log.append(newNote())).note);
    expect(await log.read('lobby', 0, 100)).toEqual(appended);
    expect(await log.read('lobby', 3, 4)).toEqual(appended.slice(3, 7));
    expect(await log.read('lobby', 8, 100)).toEqual(appended.slice(8));
    expect(await log.read('lobby', 10, 100)).toEqual([]);
    expect(await log.read('lobby', 1000, 100)).toEqual([]);
    expect(await log.read('lobby', 0, 0)).toEqual([]);
  });

  test('reads large notes as they are, some at a time', async () => {
    await using logs = await start();
    const log = await logs.open();
    const messages = ['😀'.repeat(4096), '\u0000é\n"', 'e\u0301'.repeat(2048), '\u{10FFFF}'];
    for (const message of messages) await log.append(newNote({ message }));
    expect((await log.read('lobby', 0, 10)).map(({ message }) => message)).toEqual(messages);
    const large = 'x'.repeat(4096);
    await Promise.all(Array.from({ length: 400 }, () => log.append(newNote({ room: 'large', message: large }))));
    const some = await log.read('large', 0, 400);
    expect(some.length).toBeGreaterThan(10);
    expect(some.length).toBeLessThan(300);
    expect(disorderOf(some, 1, some.length)).toEqual(inOrder);
  });

  test('knows of no notes in a room that is not there', async () => {
    await using logs = await start();
    const log = await logs.open();
    expect(await log.bounds('nowhere')).toEqual({ first: 1, last: 0 });
    expect(await log.read('nowhere', 0, 10)).toEqual([]);
    expect(await log.rooms('', 10)).toEqual([]);
  });

  test('tells followers of what comes, in order, whoever appends it, and of nothing before', async () => {
    await using logs = await start();
    const replicas = [await logs.open(), await logs.open()];
    const [log = await logs.open(), other = log] = replicas;
    for (let index = 0; index < 5; index += 1) await log.append(newNote());
    using told = await followRoom(log);
    using toldElsewhere = await followRoom(other);
    expect(told.following.from).toBe(5);
    const appended = await Promise.all(
      Array.from({ length: 200 }, (_, index) => (index % 2 === 0 ? log : other).append(newNote())),
    );
    await Promise.all([told.reach(205), toldElsewhere.reach(205)]);
    const inTheirOrder = appended.map(({ note }) => note).toSorted((a, b) => Number(a.seq) - Number(b.seq));
    expect(told.notes).toEqual(inTheirOrder);
    expect(toldElsewhere.notes).toEqual(inTheirOrder);
  });

  test('leaves nothing out and tells nothing twice when somebody begins to follow amid appends', async () => {
    await using logs = await start();
    const [log, appending] = [await logs.open(), await logs.open()];
    let left = 400;
    const sending = Array.from({ length: 8 }, async () => {
      while (left-- > 0) await appending.append(newNote());
    });
    const followers = [];
    while (left > 0) {
      followers.push(await followRoom(log));
      await appending.append(newNote());
    }
    await Promise.all(sending);
    const { last } = await log.bounds('lobby');
    expect(followers.length).toBeGreaterThan(5);
    for (const told of followers) {
      await told.reach(last);
      expect(disorderOf(told.notes, told.following.from + 1, last)).toEqual(inOrder);
      told[Symbol.dispose]();
    }
  });

  test('tells of the first note of a room that was followed before it was there', async () => {
    await using logs = await start();
    const [log, other] = [await logs.open(), await logs.open()];
    using told = await followRoom(log, 'new');
    expect(told.following.from).toBe(0);
    await other.append(newNote({ room: 'new', message: 'first' }));
    await told.reach(1);
    expect(told.notes).toMatchObject([{ seq: '1', message: 'first', room: 'new' }]);
  });

  test('tells a follower of nothing more once it has closed, and the others still', async () => {
    await using logs = await start();
    const log = await logs.open();
    using told = await followRoom(log);
    const gone = await followRoom(log);
    await log.append(newNote());
    await Promise.all([told.reach(1), gone.reach(1)]);
    gone.following.close();
    gone.following.close();
    await log.append(newNote());
    await told.reach(2);
    expect(gone.notes).toHaveLength(1);
    using again = await followRoom(log);
    expect(again.following.from).toBe(2);
  });

  test('lists the rooms by name, from one to the next', async () => {
    await using logs = await start();
    const log = await logs.open();
    for (const room of ['b', 'a-1', 'a', 'c', 'a1']) await log.append(newNote({ room }));
    const { note } = await log.append(newNote({ room: 'c' }));
    const rooms = await log.rooms('', 10);
    expect(rooms.map(({ name }) => name)).toEqual(['a', 'a-1', 'a1', 'b', 'c']);
    expect(rooms[4]).toMatchObject({ firstSeq: '1', lastSeq: '2' });
    // Who keeps it may have another clock than who sends it.
    const apart = Number(rooms[4]?.lastNoteTime?.seconds) - Number(note.sendTime?.seconds);
    expect(Math.abs(apart)).toBeLessThanOrEqual(2);
    expect((await log.rooms('a', 2)).map(({ name }) => name)).toEqual(['a-1', 'a1']);
    expect(await log.rooms('c', 2)).toEqual([]);
  });

  test('takes no more rooms than there may be, and goes on with those that are there', async () => {
    await using logs = await start();
    const log = await logs.open({ maxRooms: 2 });
    await log.append(newNote({ room: 'a' }));
    const outcomes = await Promise.allSettled(
      ['b', 'c', 'd', 'a', 'b'].map((room) => log.append(newNote({ room, noteId: `in-${room}` }))),
    );
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused.map(({ reason }: { reason: unknown }) => reason)).toMatchObject([
      { reason: 'TOO_MANY_ROOMS' },
      { reason: 'TOO_MANY_ROOMS' },
    ]);
    expect((await log.rooms('', 10)).map(({ name }) => name)).toEqual(['a', 'b']);
    expect(await log.bounds('a')).toEqual({ first: 1, last: 2 });
  });

  test('asks before a note makes a room, and keeps none that was refused', async () => {
    await using logs = await start();
    const log = await logs.open();
    const refused = new Error('refused');
    const refuse = vi.fn<() => void>(() => {
      throw refused;
    });
    await expect(log.append(newNote({ room: 'a' }), refuse)).rejects.toBe(refused);
    expect(await log.rooms('', 10)).toEqual([]);
    const allow = vi.fn<() => void>();
    await log.append(newNote({ room: 'a' }), allow);
    expect(allow).toHaveBeenCalledOnce();
    await log.append(newNote({ room: 'a' }), refuse);
    expect(refuse).toHaveBeenCalledOnce();
    expect(await log.bounds('a')).toEqual({ first: 1, last: 2 });
  });

  test('keeps the latest notes of a room, as many as it shall, and goes on numbering', async () => {
    await using logs = await start();
    const log = await logs.open({ retention: { maxNotes: 10 } });
    for (let index = 0; index < 25; index += 1) await log.append(newNote());
    await logs.expire(log);
    await vi.waitFor(async () => expect(await log.bounds('lobby')).toEqual({ first: 16, last: 25 }));
    expect((await log.read('lobby', 0, 3)).map(({ seq }) => seq)).toEqual(['16', '17', '18']);
    expect((await log.append(newNote())).note.seq).toBe('26');
    expect(await log.rooms('', 1)).toMatchObject([{ lastSeq: '26' }]);
  });

  test('keeps notes as long as it shall, then none, and goes on numbering', async () => {
    await using logs = await start();
    const log = await logs.open({ retention: { maxAgeMs: 300 } });
    for (let index = 0; index < 3; index += 1) await log.append(newNote());
    using told = await followRoom(log);
    await vi.waitFor(
      async () => {
        await logs.expire(log);
        expect(await log.bounds('lobby')).toEqual({ first: 4, last: 3 });
      },
      { timeout: 20_000 },
    );
    expect(await log.read('lobby', 0, 10)).toEqual([]);
    expect(await log.rooms('', 10)).toMatchObject([{ name: 'lobby', firstSeq: '4', lastSeq: '3' }]);
    expect((await log.append(newNote())).note.seq).toBe('4');
    await told.reach(4);
    expect(told.notes.map(({ seq }) => seq)).toEqual(['4']);
  });

  test('has all notes and ids when it is opened again, with another configuration', async () => {
    await using logs = await start();
    const before = await logs.open();
    const appended = [];
    for (let index = 0; index < 20; index += 1) appended.push((await before.append(newNote())).note);
    await before.close();
    const same = await logs.open();
    expect(await same.read('lobby', 0, 100)).toEqual(appended);
    const [fifth] = await same.read('lobby', 4, 1);
    expect(fifth?.seq).toBe('5');
    const again = await same.append(newNote({ noteId: fifth?.noteId, message: 'another' }));
    expect(again).toEqual({ isNew: false, note: fifth });
    expect((await same.append(newNote())).note.seq).toBe('21');
    await same.close();
    const shorter = await logs.open({ retention: { maxNotes: 5 } });
    await logs.expire(shorter);
    await vi.waitFor(async () => expect(await shorter.bounds('lobby')).toEqual({ first: 17, last: 21 }));
  });

  test('deletes a room, and lets one of its name go on behind a number that stands for that', async () => {
    await using logs = await start();
    const [log, other] = [await logs.open(), await logs.open()];
    for (const _ of [1, 2, 3]) await log.append(newNote());
    await log.append(newNote({ room: 'kept' }));
    using told = await followRoom(log);
    using toldElsewhere = await followRoom(other);
    const found = vi.fn<() => Promise<void>>(() => Promise.resolve());
    expect(await other.delete('lobby', found)).toBe(true);
    expect(found).toHaveBeenCalledOnce();
    const { last } = await log.bounds('lobby');
    expect(last).toBeGreaterThanOrEqual(4);
    await vi.waitFor(() => expect([told.deleted, toldElsewhere.deleted]).toEqual([[last], [last]]));
    expect(await log.bounds('lobby')).toEqual({ first: last + 1, last });
    expect(await log.read('lobby', 0, 10)).toEqual([]);
    expect((await other.rooms('', 10)).map(({ name }) => name)).toEqual(['kept']);
    using late = await followRoom(log);
    expect(late.following.from).toBe(last);
    const seqs = [last + 1, last + 2, last + 3];
    const appended = await Promise.all([log, other, log].map((one) => one.append(newNote())));
    expect(appended.map(({ note }) => Number(note.seq)).toSorted((one, another) => one - another)).toEqual(seqs);
    for (const reader of [told, toldElsewhere, late]) {
      await reader.reach(last + 3);
      expect(reader.notes.map(({ seq }) => Number(seq))).toEqual(seqs);
    }
    expect([told.deleted, toldElsewhere.deleted, late.deleted]).toEqual([[last], [last], []]);
    expect(await other.bounds('lobby')).toEqual({ first: last + 1, last: last + 3 });
    expect(await log.delete('lobby')).toBe(true);
    const { first } = await log.bounds('lobby');
    expect(first).toBeGreaterThan(last + 4);
    await other.append(newNote());
    expect(await log.bounds('lobby')).toEqual({ first, last: first });
  });

  test('deletes no room that is not there, and none when what comes first fails', async () => {
    await using logs = await start();
    const log = await logs.open();
    const found = vi.fn<() => Promise<void>>(() => Promise.reject(new Error('refused')));
    expect(await log.delete('nowhere', found)).toBe(false);
    expect(found).not.toHaveBeenCalled();
    await log.append(newNote());
    await expect(log.delete('lobby', found)).rejects.toThrow('refused');
    expect(await log.bounds('lobby')).toEqual({ first: 1, last: 1 });
    expect(await log.delete('lobby')).toBe(true);
    expect(await log.delete('lobby')).toBe(false);
  });

  test('keeps every note that is acknowledged while its room is deleted again and again under a number of its own', async () => {
    await using logs = await start();
    const replicas = [await logs.open(), await logs.open()];
    const [log = await logs.open(), other = log] = replicas;
    const seqs: number[] = [];
    let [deletions, left] = [0, 100];
    const sending = Array.from({ length: 6 }, async (_, sender) => {
      while (deletions < 5 || left-- > 0)
        seqs.push(Number((await (replicas[sender % 2] ?? log).append(newNote())).note.seq));
    });
    for (; deletions < 5; deletions += 1) {
      const sent = seqs.length;
      await vi.waitFor(() => expect(seqs.length).toBeGreaterThan(sent + 10), 10_000);
      expect(await other.delete('lobby')).toBe(true);
    }
    await Promise.all(sending);
    expect(new Set(seqs).size).toBe(seqs.length);
    const { first, last } = await log.bounds('lobby');
    expect(last).toBe(Math.max(...seqs));
    expect((await log.read('lobby', first - 1, 1000)).map(({ seq }) => Number(seq))).toEqual(
      seqs.filter((seq) => seq >= first).toSorted((a, b) => a - b),
    );
  });

  test('has room for another room once one is deleted', async () => {
    await using logs = await start();
    const log = await logs.open({ maxRooms: 1 });
    await log.append(newNote({ room: 'a' }));
    await expect(log.append(newNote({ room: 'b' }))).rejects.toMatchObject({ reason: 'TOO_MANY_ROOMS' });
    await log.delete('a');
    expect((await log.append(newNote({ room: 'b' }))).isNew).toBe(true);
  });

  test('goes on behind a deletion when it is opened again', async () => {
    await using logs = await start();
    const before = await logs.open();
    await before.append(newNote());
    await before.delete('lobby');
    const { first, last } = await before.bounds('lobby');
    expect(last).toBeGreaterThanOrEqual(2);
    await before.close();
    const log = await logs.open();
    expect(await log.bounds('lobby')).toEqual({ first, last });
    expect((await log.append(newNote())).note.seq).toBe(String(first));
  });

  test('says that it can be reached', async () => {
    await using logs = await start();
    expect(await (await logs.open()).answers()).toBe(true);
  });
}
