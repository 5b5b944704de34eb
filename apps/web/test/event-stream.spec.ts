import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EventStream, type StreamOptions } from '../src/calls/event-stream.ts';

/** The connections of the browser, which do what the test says. */
class Connection extends EventTarget {
  static all: Connection[] = [];
  closed = false;
  constructor(readonly url: string) {
    super();
    Connection.all.push(this);
  }
  static get last(): Connection {
    const last = Connection.all.at(-1);
    if (last === undefined) throw new Error('nothing was opened');
    return last;
  }
  open(): void {
    this.dispatchEvent(new Event('open'));
  }
  send(id: string, item: unknown): void {
    this.dispatchEvent(new MessageEvent('message', { data: JSON.stringify(item), lastEventId: id }));
  }
  cut(): void {
    this.dispatchEvent(new Event('error'));
  }
  close(): void {
    this.closed = true;
  }
}

let page: EventTarget & { visibilityState: string };
let browser: EventTarget;
/** What the server answers when it is asked why. */
let answer: () => Response;

beforeEach(() => {
  vi.useFakeTimers();
  Connection.all = [];
  page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  browser = new EventTarget();
  answer = () => {
    throw new TypeError('nobody there');
  };
  vi.stubGlobal('EventSource', Connection);
  vi.stubGlobal('document', page);
  vi.stubGlobal('addEventListener', browser.addEventListener.bind(browser));
  vi.stubGlobal('fetch', async () => answer());
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function newStream(onRefused: StreamOptions<unknown>['onRefused'] = () => 'again') {
  const items: unknown[] = [];
  const stream = new EventStream<unknown>({
    url: (cursor) => `notes?after=${cursor}`,
    onItem: (item) => items.push(item),
    onRefused,
  });
  return { stream, items };
}

test('goes on behind the last event after a cut', async () => {
  const { stream, items } = newStream();
  Connection.last.open();
  expect(stream.state.value).toBe('live');
  Connection.last.send('7', 'seven');
  Connection.last.cut();
  expect([stream.state.value, Connection.last.closed]).toEqual(['waiting', true]);
  await vi.advanceTimersByTimeAsync(500);
  expect(Connection.all.map(({ url }) => url)).toEqual(['notes?after=undefined', 'notes?after=7']);
  Connection.last.open();
  Connection.last.send('8', 'eight');
  expect([stream.state.value, items]).toEqual(['live', ['seven', 'eight']]);
  stream.close();
});

test('waits longer after each try that failed, and begins anew once something came', async () => {
  const { stream } = newStream();
  const waits: number[] = [];
  for (let tries = 0; tries < 4; tries += 1) {
    const [before, started] = [Connection.all.length, Date.now()];
    Connection.last.cut();
    while (Connection.all.length === before) await vi.advanceTimersByTimeAsync(10);
    waits.push(Date.now() - started);
  }
  expect(waits[3]).toBeGreaterThanOrEqual(2000);
  Connection.last.open();
  Connection.last.send('1', 'one');
  Connection.last.cut();
  await vi.advanceTimersByTimeAsync(500);
  expect(Connection.all).toHaveLength(6);
  stream.close();
});

test('asks why it was not let in, and obeys', async () => {
  const problems: string[] = [];
  const { stream } = newStream(({ reason }) => {
    problems.push(reason);
    return reason === 'RESUME_TOKEN_GONE' ? 'afresh' : 'never';
  });
  Connection.last.open();
  Connection.last.send('7', 'seven');
  Connection.last.cut();
  answer = () => Response.json({ reason: 'RESUME_TOKEN_GONE', detail: '' }, { status: 400 });
  await vi.advanceTimersByTimeAsync(500);
  Connection.last.cut();
  await vi.advanceTimersByTimeAsync(2000);
  expect(Connection.last.url).toBe('notes?after=undefined');
  answer = () => Response.json({ reason: 'SIGN_IN_REQUIRED', detail: '' }, { status: 401 });
  Connection.last.cut();
  await vi.advanceTimersByTimeAsync(60_000);
  expect([stream.state.value, problems]).toEqual(['refused', ['RESUME_TOKEN_GONE', 'SIGN_IN_REQUIRED']]);
  expect(Connection.all).toHaveLength(3);
  stream.close();
});

test('takes the last word of a server for a failure of its own, and a goodbye for a cut', async () => {
  const problems: string[] = [];
  const { stream } = newStream(({ reason }) => {
    problems.push(reason);
    return 'again';
  });
  Connection.last.open();
  const data = JSON.stringify({ status: 429, reason: 'READER_TOO_SLOW', detail: '' });
  Connection.last.dispatchEvent(new MessageEvent('error', { data }));
  await vi.advanceTimersByTimeAsync(500);
  Connection.last.open();
  Connection.last.dispatchEvent(new MessageEvent('bye', { data: '{}' }));
  await vi.advanceTimersByTimeAsync(1000);
  expect([Connection.all.length, problems]).toEqual([3, ['READER_TOO_SLOW']]);
  stream.close();
});

test('gives a connection up that is silent for longer than servers are', async () => {
  const { stream } = newStream();
  Connection.last.open();
  await vi.advanceTimersByTimeAsync(44_000);
  Connection.last.send('1', 'still here');
  await vi.advanceTimersByTimeAsync(44_000);
  expect(Connection.all).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(2000);
  expect(Connection.all).toHaveLength(2);
  stream.close();
});

test('tries at once when the device is online again', async () => {
  const { stream } = newStream();
  for (let tries = 0; tries < 5; tries += 1) {
    Connection.last.cut();
    await vi.advanceTimersByTimeAsync(16_000);
  }
  Connection.last.cut();
  await vi.advanceTimersByTimeAsync(1);
  const before = Connection.all.length;
  browser.dispatchEvent(new Event('online'));
  expect(Connection.all.length).toBe(before + 1);
  stream.close();
});

test('gives the connection back while nobody looks for long, and goes on when somebody does', async () => {
  const { stream } = newStream();
  Connection.last.open();
  Connection.last.send('3', 'three');
  page.visibilityState = 'hidden';
  page.dispatchEvent(new Event('visibilitychange'));
  for (let minutes = 0; minutes < 4; minutes += 1) {
    await vi.advanceTimersByTimeAsync(40_000);
    Connection.last.send('4', 'four');
  }
  expect(stream.state.value).toBe('live');
  await vi.advanceTimersByTimeAsync(40_000);
  Connection.last.send('4', 'four');
  await vi.advanceTimersByTimeAsync(40_000);
  Connection.last.send('4', 'four');
  await vi.advanceTimersByTimeAsync(40_000);
  Connection.last.send('4', 'four');
  await vi.advanceTimersByTimeAsync(30_000);
  expect([stream.state.value, Connection.last.closed]).toEqual(['paused', true]);
  page.visibilityState = 'visible';
  page.dispatchEvent(new Event('visibilitychange'));
  expect(Connection.last.url).toBe('notes?after=4');
  stream.close();
});

test('does nothing more once it is closed', async () => {
  const { stream } = newStream();
  Connection.last.cut();
  stream.close();
  await vi.advanceTimersByTimeAsync(60_000);
  browser.dispatchEvent(new Event('online'));
  page.dispatchEvent(new Event('visibilitychange'));
  expect(Connection.all).toHaveLength(1);
});
