import { signal } from '@preact/signals';
import { backoffMs } from '../../calls/backoff.ts';
import { isTransient, type Problem, problemIn, sentence } from '../../calls/problem.ts';
import type { Note } from './note.ts';

/** A note that is to be sent. */
export interface Draft {
  /** Chosen here, so that a note which is sent twice is kept once. */
  readonly noteId: string;
  readonly room: string;
  readonly message: string;
  readonly authorId: string;
  readonly authorName: string;
  /** When it was written. */
  readonly time: string;
  /** `sent` until it has come back with the others. */
  readonly state: 'waiting' | 'failed' | 'sent';
  readonly why?: string;
}

/** The service knows a note's id for an hour; after that, another try might make it twice. */
const safeMs = 55 * 60_000;

/** What the outbox needs of the world. */
export interface OutboxWorld {
  /** @throws CallError */
  readonly send: (draft: Draft) => Promise<Note>;
  readonly load: () => readonly Draft[];
  readonly save: (drafts: readonly Draft[]) => void;
  readonly delayMs?: (failures: number) => number;
  readonly now?: () => number;
}

/**
 * The notes that are on their way. They are kept until the service has said that it keeps them: over lost connections,
 * and over the end of the page. Those of a room go one after the other, in the order in which they were written.
 */
export class Outbox {
  readonly drafts = signal<readonly Draft[]>([]);
  readonly #world: OutboxWorld;
  readonly #busy = new Set<string>();
  #wake = Promise.withResolvers<void>();

  constructor(world: OutboxWorld) {
    this.#world = world;
    this.drafts.value = world.load();
    for (const { room } of this.drafts.value) void this.#sendAll(room);
  }

  add(draft: Omit<Draft, 'state'>): void {
    this.#change([...this.drafts.value, { ...draft, state: 'waiting' }]);
    void this.#sendAll(draft.room);
  }

  /** Has another try at a note that failed. */
  retry(noteId: string): void {
    const draft = this.drafts.value.find((each) => each.noteId === noteId);
    if (draft === undefined) return;
    const time = new Date(this.#now()).toISOString();
    this.#become(noteId, { state: 'waiting', time, why: undefined });
    void this.#sendAll(draft.room);
  }

  /** Forgets a note: it is not to be sent, or it has come. */
  forget(noteId: string): void {
    if (this.drafts.value.some((draft) => draft.noteId === noteId))
      this.#change(this.drafts.value.filter((draft) => draft.noteId !== noteId));
  }

  /** Tries now what waits for another try. */
  hurry(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  async #sendAll(room: string): Promise<void> {
    if (this.#busy.has(room)) return;
    this.#busy.add(room);
    let failures = 0;
    for (let draft = this.#next(room); draft !== undefined; draft = this.#next(room)) {
      const problem = await this.#try(draft);
      if (problem === undefined) failures = 0;
      else if (isTransient(problem)) await this.#pause(failures++, problem.retryAfterMs);
      else this.#become(draft.noteId, { state: 'failed', why: sentence(problem) });
    }
    this.#busy.delete(room);
  }

  #next(room: string): Draft | undefined {
    return this.drafts.value.find((draft) => draft.room === room && draft.state === 'waiting');
  }

  async #try(draft: Draft): Promise<Problem | undefined> {
    if (this.#now() - Date.parse(draft.time) > safeMs) {
      this.#become(draft.noteId, {
        state: 'failed',
        why: 'It waited for an hour. It may have arrived: look before you send it again.',
      });
      return undefined;
    }
    try {
      await this.#world.send(draft);
      this.#become(draft.noteId, { state: 'sent' });
      return undefined;
    } catch (error) {
      return problemIn(error);
    }
  }

  async #pause(failures: number, atLeastMs = 0): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.max(atLeastMs, (this.#world.delayMs ?? backoffMs)(failures)));
    await Promise.race([promise, this.#wake.promise]);
    clearTimeout(timer);
  }

  #now(): number {
    return (this.#world.now ?? Date.now)();
  }

  #become(noteId: string, changes: Partial<Draft>): void {
    this.#change(this.drafts.value.map((draft) => (draft.noteId === noteId ? { ...draft, ...changes } : draft)));
  }

  #change(drafts: readonly Draft[]): void {
    this.drafts.value = drafts;
    this.#world.save(drafts.filter(({ state }) => state !== 'sent'));
  }
}
