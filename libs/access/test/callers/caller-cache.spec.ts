import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';
import { user } from '@rollcall/proto';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { credentialInvalid } from '../../src/errors/access-errors.ts';
import { CallerCache, type KnownCaller } from '../../src/callers/caller-cache.ts';

const { USER_TYPE_GUEST, USER_TYPE_NORMAL } = user.UserType;
const ada: KnownCaller = { userId: '1', type: USER_TYPE_NORMAL, credential: 'token', expiresMs: Infinity };

/** A directory whose answers a test changes, and the questions that it was asked. */
function directory(answer: KnownCaller | RpcError | Error = ada) {
  const state = { answer, asked: [] as (readonly string[])[] };
  const cache = new CallerCache(async (credentials) => {
    state.asked.push(credentials);
    if (state.answer instanceof Error && !(state.answer instanceof RpcError)) throw state.answer;
    const each = state.answer;
    return Promise.resolve(credentials.map(() => each));
  });
  return { state, cache };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('asks once for all who ask in a turn, and remembers the answer for less than two seconds', async () => {
  const { state, cache } = directory();
  expect(cache.known('a')).toBeUndefined();
  await Promise.all([cache.find('a'), cache.find('b'), cache.find('a')]);
  expect(state.asked).toEqual([['a', 'b']]);
  await vi.advanceTimersByTimeAsync(1750);
  expect(cache.known('a')).toEqual(ada);
  await vi.advanceTimersByTimeAsync(1);
  expect(cache.known('a')).toBeUndefined();
});

test('asks again, without being asked to, for what is in use', async () => {
  const { state, cache } = directory();
  cache.start();
  await cache.find('a');
  for (let look = 0; look < 10; look += 1) {
    await vi.advanceTimersByTimeAsync(1000);
    expect(cache.known('a')).toEqual(ada);
  }
  const { length } = state.asked;
  expect(length).toBeGreaterThan(10);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(state.asked.length).toBeLessThan(length + 5);
  cache.close();
});

test('tells open calls of what has changed, and of nothing else', async () => {
  const { state, cache } = directory();
  cache.start();
  const heard: unknown[] = [];
  const known = await cache.find('a');
  const close = cache.open('a', known, { recheck: (now) => heard.push(now) });
  await vi.advanceTimersByTimeAsync(5000);
  expect(heard).toEqual([]);
  state.answer = { ...ada, type: USER_TYPE_GUEST };
  await vi.advanceTimersByTimeAsync(800);
  expect(heard).toEqual([state.answer]);
  state.answer = new Error('the database is away');
  await vi.advanceTimersByTimeAsync(5000);
  expect(heard).toHaveLength(1);
  state.answer = credentialInvalid('it was revoked');
  await vi.advanceTimersByTimeAsync(800);
  expect(heard[1]).toBe(state.answer);
  close();
  cache.close();
});

test('tells a call of what has changed between its admission and its beginning', async () => {
  const { state, cache } = directory();
  cache.start();
  const admitted = await cache.find('a');
  state.answer = { ...ada, type: USER_TYPE_GUEST };
  await vi.advanceTimersByTimeAsync(800);
  const heard: unknown[] = [];
  cache.open('a', admitted, { recheck: (now) => heard.push(now) });
  await vi.advanceTimersByTimeAsync(5000);
  expect(heard).toEqual([state.answer]);
  cache.close();
});

test('ends open calls, and refuses new ones, when the credential has expired', async () => {
  const { cache } = directory({ ...ada, expiresMs: Date.now() + 3000 });
  cache.start();
  const heard: unknown[] = [];
  cache.open('a', await cache.find('a'), { recheck: (now) => heard.push(now) });
  await vi.advanceTimersByTimeAsync(2000);
  expect(cache.known('a')).toBeDefined();
  expect(heard).toEqual([]);
  await vi.advanceTimersByTimeAsync(1800);
  expect(heard).toMatchObject([{ reason: 'CREDENTIAL_INVALID' }]);
  expect(cache.known('a')).toBeUndefined();
  cache.close();
});

test('does not remember what is not valid, and says why a lookup fails', async () => {
  const { state, cache } = directory(credentialInvalid('it is unknown'));
  await expect(cache.find('a')).rejects.toMatchObject({ reason: 'CREDENTIAL_INVALID' });
  expect(cache.known('a')).toBeUndefined();
  state.answer = new Error('the database is away');
  await expect(cache.find('a')).rejects.toThrow('the database is away');
  state.answer = ada;
  await expect(cache.find('a')).resolves.toEqual(ada);
});

const away = new RpcError(Status.UNAVAILABLE, 'DATABASE_UNAVAILABLE', 'Away.');
const refused = new RpcError(Status.RESOURCE_EXHAUSTED, 'RATE_LIMITED', 'Wait.');

test.each([
  ['is away', away, 60],
  ['refuses to look it up', refused, 5],
])('ends open calls whose caller cannot be confirmed while the directory %s', async (_, error, seconds) => {
  const { state, cache } = directory();
  cache.start();
  const heard: unknown[] = [];
  cache.open('a', await cache.find('a'), { recheck: (now) => heard.push(now) });
  Object.defineProperty(state, 'answer', {
    get: () => {
      throw error;
    },
  });
  await vi.advanceTimersByTimeAsync(seconds * 1000 - 1500);
  expect(heard).toEqual([]);
  await vi.advanceTimersByTimeAsync(3000);
  expect(heard).toMatchObject([{ code: Status.UNAVAILABLE, reason: 'UPSTREAM_UNAVAILABLE' }]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(heard).toHaveLength(1);
  cache.close();
});

test('goes on with the others when the lookup of some is refused', async () => {
  let revoked = false;
  const cache = new CallerCache(async (credentials) => {
    if (revoked && credentials.includes('c0')) throw refused;
    return Promise.resolve(credentials.map(() => (revoked ? credentialInvalid('it was revoked') : ada)));
  });
  cache.start();
  const ended: string[] = [];
  for (let index = 0; index < 600; index += 1) {
    const credential = `c${index}`;
    cache.open(credential, await cache.find(credential), { recheck: () => ended.push(credential) });
  }
  revoked = true;
  await vi.advanceTimersByTimeAsync(1600);
  expect(ended).toEqual(Array.from({ length: 100 }, (_, index) => `c${index + 500}`));
  cache.close();
});
