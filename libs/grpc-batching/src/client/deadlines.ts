/** One timer for the deadlines of many: most of them are over long before, and a timer for each would cost more than they do. */
export class Deadlines<T extends { readonly deadline: number }> {
  readonly #onDue: (item: T) => void;
  readonly #items = new Set<T>();
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires. It may be for one that is over. */
  #at = Infinity;

  /** @param onDue called once the deadline of an item has passed, which is then no longer watched */
  constructor(onDue: (item: T) => void) {
    this.#onDue = onDue;
  }

  add(item: T): void {
    this.#items.add(item);
    if (item.deadline < this.#at) this.#set(item.deadline);
  }

  delete(item: T): void {
    this.#items.delete(item);
  }

  #set(at: number): void {
    clearTimeout(this.#timer);
    this.#at = at;
    const inMs = Math.min(Math.max(at - Date.now(), 0), longestTimerMs);
    this.#timer = setTimeout(() => this.#look(), inMs).unref(); // what waits keeps the process alive by its connection
  }

  #look(): void {
    this.#at = Infinity;
    const now = Date.now();
    let next = Infinity;
    for (const item of this.#items) {
      if (item.deadline > now) next = Math.min(next, item.deadline);
      else {
        this.#items.delete(item);
        this.#onDue(item);
      }
    }
    if (next < this.#at) this.#set(next);
  }
}

/** What setTimeout takes. */
const longestTimerMs = 0x7fff_ffff;
