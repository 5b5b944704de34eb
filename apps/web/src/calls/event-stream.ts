import { signal } from '@preact/signals';
import { backoffMs } from './backoff.ts';
import { noticeRefusal } from './call.ts';
import { type Problem, problemOf } from './problem.ts';

/** What a stream is doing: `waiting` before another try, `paused` while nobody looks, `refused` for good. */
export type StreamState = 'connecting' | 'live' | 'waiting' | 'paused' | 'refused';

/** A server sends something at least every 15 s. */
const silenceMs = 45_000;
/** A page in the background gives its connection back: browsers have six to a host. */
const hiddenMs = 5 * 60_000;

export interface StreamOptions<Item> {
  /** Where the stream is, going on behind a cursor. */
  readonly url: (cursor: string | undefined) => string;
  readonly onItem: (item: Item) => void;
  /** What to do when the stream is refused: another try, one without the cursor, or none. */
  readonly onRefused: (problem: Problem) => 'again' | 'afresh' | 'never';
}

/**
 * A stream of server-sent events that goes on behind its last event after every cut. A browser's EventSource does so itself
 * until it is answered with anything but 200; so each connection here has an EventSource of its own.
 */
export class EventStream<Item> {
  readonly state = signal<StreamState>('connecting');
  readonly #options: StreamOptions<Item>;
  readonly #closed = new AbortController();
  #source: EventSource | undefined;
  #cursor: string | undefined;
  #failures = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #hidden: ReturnType<typeof setTimeout> | undefined;

  constructor(options: StreamOptions<Item>) {
    this.#options = options;
    const { signal: until } = this.#closed;
    addEventListener('online', () => this.#hurry(), { signal: until });
    document.addEventListener('visibilitychange', () => this.#look(), { signal: until });
    this.#connect();
  }

  close(): void {
    this.#closed.abort();
    clearTimeout(this.#hidden);
    this.#drop();
  }

  #connect(): void {
    this.#drop();
    const source = new EventSource(this.#options.url(this.#cursor));
    this.#source = source;
    let opened = false;
    this.#listen();
    source.addEventListener('open', () => {
      opened = true;
      this.state.value = 'live';
    });
    source.addEventListener('message', ({ data, lastEventId }: MessageEvent<string>) => {
      if (lastEventId !== '') this.#cursor = lastEventId;
      this.#failures = 0;
      this.#listen();
      const item: Item = JSON.parse(data);
      this.#options.onItem(item);
    });
    for (const last of ['bye', 'end']) source.addEventListener(last, () => this.#later());
    source.addEventListener('error', (event) => {
      // The server's word for a failure has the same name as the browser's for a cut.
      if (event instanceof MessageEvent) this.#refused(JSON.parse(String(event.data)));
      else if (opened) this.#later();
      else void this.#askWhy();
    });
  }

  /** Counts on a word of the server in time: of a connection that is dead, browsers learn nothing. */
  #listen(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#later(), silenceMs);
  }

  /** An EventSource does not tell what it was answered. */
  async #askWhy(): Promise<void> {
    this.#drop();
    const asking = new AbortController();
    try {
      const response = await fetch(this.#options.url(this.#cursor), {
        headers: { accept: 'text/event-stream' },
        signal: AbortSignal.any([this.#closed.signal, asking.signal, AbortSignal.timeout(10_000)]),
      });
      if (!response.ok) return this.#refused(await problemOf(response));
    } catch {
      // it cannot be reached, which another try may
    } finally {
      asking.abort();
    }
    this.#later();
  }

  #refused(problem: Problem): void {
    noticeRefusal(problem);
    const next = this.#options.onRefused(problem);
    if (next === 'afresh') this.#cursor = undefined;
    if (next !== 'never') return this.#later(problem.retryAfterMs);
    this.#drop();
    this.state.value = 'refused';
  }

  #later(atLeastMs = 0): void {
    this.#drop();
    if (this.#closed.signal.aborted) return;
    this.state.value = 'waiting';
    this.#retry = setTimeout(() => this.#connect(), Math.max(atLeastMs, backoffMs(this.#failures)));
    this.#failures += 1;
  }

  /** There is a reason to believe that another try is worth it now. */
  #hurry(): void {
    if (this.state.value !== 'waiting' && this.state.value !== 'paused') return;
    this.#failures = 0;
    this.#connect();
  }

  #look(): void {
    clearTimeout(this.#hidden);
    if (document.visibilityState === 'visible') return this.#hurry();
    this.#hidden = setTimeout(() => {
      if (this.state.value === 'refused') return;
      this.#drop();
      this.state.value = 'paused';
    }, hiddenMs);
  }

  #drop(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    this.#source?.close();
    this.#source = undefined;
  }
}
