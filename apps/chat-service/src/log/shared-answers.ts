/** How old an answer becomes, in milliseconds, from when it was asked for. */
const keptMs = 1000;

/** Answers that several share who ask the same at once or shortly after each other: it is asked once. */
export class SharedAnswers<T> {
  readonly #ask: (key: string) => Promise<T>;
  /** By what was asked, those asked first at the beginning. */
  readonly #kept = new Map<string, { readonly answer: Promise<T>; readonly askedAt: number }>();

  constructor(ask: (key: string) => Promise<T>) {
    this.#ask = ask;
  }

  get(key: string): Promise<T> {
    const now = performance.now();
    for (const [old, { askedAt }] of this.#kept) {
      if (now - askedAt < keptMs) break;
      this.#kept.delete(old);
    }
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept.answer;
    const asked = { answer: this.#ask(key), askedAt: now };
    this.#kept.set(key, asked);
    asked.answer.catch(() => {
      if (this.#kept.get(key) === asked) this.#kept.delete(key); // those who asked hear of it, and the next asks again
    });
    return asked.answer;
  }

  /** What was answered is not so any more. */
  forget(key: string): void {
    this.#kept.delete(key);
  }
}
