import type { UnfinishedMessage } from './unfinished-messages.ts';

/** What is counted. */
export interface Counts {
  connections: number;
  /** Calls of the server's own methods that anybody may make: health checks, and streams that carry calls. */
  openCalls: number;
}

/** The most of it, and of the bytes that messages hold which have not come to their end. */
export interface LoadLimits extends Readonly<Counts> {
  readonly unfinishedBytes: number;
}

/** What a connection, an address or a server has under way. What one of them has, those have that it belongs to. */
export class Load {
  readonly #limits: LoadLimits;
  readonly #whole: Load | undefined;
  readonly #counts: Counts = { connections: 0, openCalls: 0 };
  /** The messages that have not come to their end, those first that began first. */
  readonly #unfinished = new Set<UnfinishedMessage>();
  #unfinishedBytes = 0;

  /** @param whole what this belongs to */
  constructor(limits: LoadLimits, whole?: Load) {
    this.#limits = limits;
    this.#whole = whole;
  }

  /** Whether it belongs to another, or is the other. */
  within(load: Load): boolean {
    return this === load || this.#whole?.within(load) === true;
  }

  /** The first of this, and what it belongs to, that has as many as it may. */
  full(kind: keyof Counts): Load | undefined {
    return this.#counts[kind] >= this.#limits[kind] ? this : this.#whole?.full(kind);
  }

  get connections(): number {
    return this.#counts.connections;
  }

  /** The bytes that messages hold which have not come to their end. */
  get unfinishedBytes(): number {
    return this.#unfinishedBytes;
  }

  /** Counts one more, here and in what this belongs to. @returns false when one of them has as many as it may */
  take(kind: keyof Counts): boolean {
    if (this.full(kind) !== undefined) return false;
    this.count(kind);
    return true;
  }

  /** Counts one less. */
  give(kind: keyof Counts): void {
    this.#counts[kind] -= 1;
    this.#whole?.give(kind);
  }

  /** Counts what a message holds. Where that is too much, those messages are dropped that began first: they have stopped. */
  hold(message: UnfinishedMessage, moreBytes: number): void {
    this.#add(message, moreBytes);
    this.#bound();
  }

  /** Counts what a message has held no longer. */
  release(message: UnfinishedMessage, bytes: number): void {
    if (!this.#unfinished.delete(message)) return;
    this.#unfinishedBytes -= bytes;
    this.#whole?.release(message, bytes);
  }

  /** Counts one more, whether there is room or not. */
  count(kind: keyof Counts): void {
    this.#counts[kind] += 1;
    this.#whole?.count(kind);
  }

  #add(message: UnfinishedMessage, moreBytes: number): void {
    this.#unfinished.add(message);
    this.#unfinishedBytes += moreBytes;
    if (this.#whole !== undefined) this.#whole.#add(message, moreBytes);
  }

  /** One message always has room: how large it may be is bounded elsewhere. */
  #bound(): void {
    for (const oldest of this.#unfinished) {
      if (this.#unfinishedBytes <= this.#limits.unfinishedBytes || this.#unfinished.size === 1) break;
      oldest.drop();
    }
    if (this.#whole !== undefined) this.#whole.#bound();
  }
}
