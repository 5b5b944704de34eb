import { outsideOfCalls } from '@rollcall/grpc';
import type { NoteLog } from '../log/note-log.ts';
import type { Presence } from '../presence/presence.ts';
import { RoomFeed } from './feed.ts';

interface Entry {
  readonly opening: Promise<RoomFeed>;
  readers: number;
}

/** How long a room is followed that nobody reads, in milliseconds: whoever comes back finds its last notes. */
const keptMs = 10_000;

/** The rooms that somebody reads. */
export class RoomFeeds {
  readonly #log: NoteLog;
  readonly #presence: Presence;
  readonly #entries = new Map<string, Entry>();
  readonly #closing = new Set<NodeJS.Timeout>();

  constructor(log: NoteLog, presence: Presence) {
    this.#log = log;
    this.#presence = presence;
  }

  /** The feed of a room, until it is let go. @throws RpcError LOG_UNAVAILABLE */
  async open(room: string): Promise<{ readonly feed: RoomFeed; readonly letGo: () => void }> {
    let entry = this.#entries.get(room);
    if (entry === undefined) {
      entry = { opening: outsideOfCalls(() => RoomFeed.open(room, this.#log, this.#presence)), readers: 0 };
      this.#entries.set(room, entry);
    }
    const opened = entry;
    opened.readers += 1;
    try {
      const feed = await opened.opening;
      return { feed, letGo: () => this.#letGo(room, opened, feed) };
    } catch (error) {
      if (this.#entries.get(room) === opened) this.#entries.delete(room);
      throw error;
    }
  }

  /** Ends all of them, once nobody reads. */
  async close(): Promise<void> {
    for (const timer of this.#closing) clearTimeout(timer);
    const feeds = await Promise.allSettled([...this.#entries.values()].map(({ opening }) => opening));
    this.#entries.clear();
    for (const feed of feeds) if (feed.status === 'fulfilled') feed.value.close();
  }

  #letGo(room: string, entry: Entry, feed: RoomFeed): void {
    entry.readers -= 1;
    if (entry.readers > 0) return;
    const timer = setTimeout(() => {
      this.#closing.delete(timer);
      if (entry.readers > 0 || this.#entries.get(room) !== entry) return;
      this.#entries.delete(room);
      feed.close();
    }, keptMs).unref();
    this.#closing.add(timer);
  }
}
