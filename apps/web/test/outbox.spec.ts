import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CallError, unreachable } from '../src/calls/problem.ts';
import { type Draft, Outbox, type OutboxWorld } from '../src/chat/notes/outbox.ts';

const draft = (noteId: string, fields: Partial<Draft> = {}): Draft => ({
  noteId,
  room: 'lobby',
  message: `says ${noteId}`,
  authorId: '0',
  authorName: 'Ada',
  time: new Date().toISOString(),
  state: 'waiting',
  ...fields,
});

const sentNote = { seq: 1, noteId: '', authorId: '0', authorName: '', message: '', sendTime: '' };
const refusal = new CallError({ status: 403, reason: 'NOT_PERMITTED', detail: 'no' });

/** An outbox whose service does as it is told, and what has come of it. */
function newOutbox(answers: (draft: Draft, attempt: number) => void = () => {}, loaded: readonly Draft[] = []) {
  const attempts: string[] = [];
  let saved: readonly Draft[] = loaded;
  const world: OutboxWorld = {
    load: () => saved,
    save: (drafts) => (saved = drafts),
    send: async (each) => {
      attempts.push(each.noteId);
      answers(each, attempts.length);
      return sentNote;
    },
    delayMs: () => 1000,
  };
  const outbox = new Outbox(world);
  return {
    outbox,
    attempts,
    saved: () => saved,
    states: () => outbox.drafts.value.map(({ noteId, state }) => `${noteId} ${state}`),
  };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());
const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

test('keeps a note until it is sent, and shows it until it has come back', async () => {
  const { outbox, saved, states } = newOutbox();
  outbox.add(draft('a'));
  expect(saved()).toHaveLength(1);
  await settled();
  expect(states()).toEqual(['a sent']);
  expect(saved()).toEqual([]);
  outbox.forget('a');
  expect(states()).toEqual([]);
});

test('tries again what could not be sent, before what was written later', async () => {
  const { outbox, attempts, states } = newOutbox((_, attempt) => {
    if (attempt <= 2) throw new CallError(unreachable);
  });
  outbox.add(draft('a'));
  outbox.add(draft('b'));
  await settled();
  expect(states()).toEqual(['a waiting', 'b waiting']);
  await vi.advanceTimersByTimeAsync(999);
  expect(attempts).toEqual(['a']);
  await vi.advanceTimersByTimeAsync(1001);
  expect(attempts).toEqual(['a', 'a', 'a', 'b']);
  expect(states()).toEqual(['a sent', 'b sent']);
});

test('tries at once when it is told that there is a connection', async () => {
  const { outbox, attempts } = newOutbox((_, attempt) => {
    if (attempt === 1) throw new CallError(unreachable);
  });
  outbox.add(draft('a'));
  await settled();
  outbox.hurry();
  await settled();
  expect(attempts).toEqual(['a', 'a']);
});

test('says why a note was refused, goes on with the next, and tries it again on demand', async () => {
  let refuses = true;
  const { outbox, states } = newOutbox(({ noteId }) => {
    if (noteId === 'a' && refuses) throw refusal;
  });
  outbox.add(draft('a'));
  outbox.add(draft('b'));
  await settled();
  expect(states()).toEqual(['a failed', 'b sent']);
  expect(outbox.drafts.value[0]?.why).toBe('No.');
  refuses = false;
  outbox.retry('a');
  await settled();
  expect(states()).toEqual(['a sent', 'b sent']);
});

test('sends what was kept from the visit before', async () => {
  const { attempts } = newOutbox(undefined, [
    draft('a'),
    draft('b', { state: 'failed' }),
    draft('c', { room: 'other' }),
  ]);
  await settled();
  expect(attempts.toSorted()).toEqual(['a', 'c']);
});

test('holds no room up for another', async () => {
  const { outbox, attempts } = newOutbox(({ room }) => {
    if (room === 'lobby') throw new CallError(unreachable);
  });
  outbox.add(draft('a'));
  outbox.add(draft('b', { room: 'other' }));
  await settled();
  expect(attempts).toEqual(['a', 'b']);
});

test('asks before it sends again what the service may have forgotten', async () => {
  const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
  const { attempts, outbox, states } = newOutbox(undefined, [draft('a', { time: hourAgo })]);
  await settled();
  expect(attempts).toEqual([]);
  expect(states()).toEqual(['a failed']);
  outbox.retry('a');
  await settled();
  expect(states()).toEqual(['a sent']);
});
