/**
 * Demand for Observables, which have none. It rests on one fact: the chain from a source's `next` to the sink's is
 * synchronous, through any operators that are. So a sink that is full says so in its `next`, and the source, which
 * called it, asks once its own `next` returns.
 */
import { Observable, type Subscription } from 'rxjs';

let pressure: Promise<void> | undefined;

/** A sink calls this in its `next` when it is full. `drained` settles when it takes more, or never will. */
export function reportBackpressure(drained: Promise<void>): void {
  pressure = pressure === undefined ? drained : Promise.all([pressure, drained]).then(() => undefined);
}

/**
 * Emits one value, as a source does that heeds its sinks.
 *
 * @returns undefined when the sinks take more at once, else a promise to wait for before the next value
 */
export function emit<T>(sink: { next(value: T): void }, value: T): Promise<void> | undefined {
  const outer = pressure;
  pressure = undefined;
  try {
    sink.next(value);
    return pressure;
  } finally {
    // A source may emit inside the `next` of another one, which then has to wait too.
    if (outer !== undefined) reportBackpressure(outer);
  }
}

/** Opens what an Observable is pulled from. The signal fires when nobody listens any more. */
export type Opener<T> = (signal: AbortSignal) => Iterable<T> | AsyncIterable<T>;

/**
 * An Observable of an iterable that takes the next value only when the sink has room: of a database cursor, a file,
 * a generator. Unsubscribing closes the iterator and fires the signal.
 */
export function fromIterable<T>(open: Opener<T>): Observable<T> {
  return new Observable<T>((subscriber) => {
    const abort = new AbortController();
    let iterator: Iterator<T> | AsyncIterator<T> | undefined;
    let advancing = false;

    const close = async (): Promise<void> => {
      const opened = iterator;
      iterator = undefined;
      await opened?.return?.();
    };

    const run = async (): Promise<void> => {
      try {
        const iterable = open(abort.signal);
        iterator = Symbol.asyncIterator in iterable ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]();
        while (!subscriber.closed) {
          advancing = true;
          const step = iterator.next();
          const result = step instanceof Promise ? await step : step;
          advancing = false;
          if (result.done === true) {
            iterator = undefined;
            subscriber.complete();
            return;
          }
          if (subscriber.closed) break;
          const full = emit(subscriber, result.value);
          if (full !== undefined) await full;
        }
        await close();
      } catch (error) {
        advancing = false;
        iterator = undefined;
        subscriber.error(error);
      }
    };
    void run();

    return () => {
      abort.abort();
      // While it advances, `run` closes it as soon as that step is done.
      if (!advancing) void close().catch(() => undefined); // nobody is left to hear of it
    };
  });
}

/**
 * An async iterable of an Observable, for `for await`. It holds at most `maxBuffered` values: then it reports pressure,
 * and a source that heeds it waits. Leaving the loop unsubscribes.
 */
export async function* toAsyncIterable<T>(source: Observable<T>, maxBuffered = 1): AsyncGenerator<T, void, undefined> {
  using inbox = new Inbox(source, maxBuffered);
  while (await inbox.filled()) yield* inbox.take();
}

/**
 * Groups the values of an Observable into arrays of at most `maxItems`: those that come in one turn of the event loop
 * or while the reader was busy. No value is kept waiting for another one. Leaving the loop unsubscribes.
 *
 * @param sizeOf how many items a value counts for; an array may go beyond the limit by its last value
 */
export async function* toBatches<T>(
  source: Observable<T>,
  maxItems: number,
  sizeOf: (value: T) => number = () => 1,
): AsyncGenerator<T[], void, undefined> {
  using inbox = new Inbox(source, maxItems, sizeOf);
  while (await inbox.filled()) {
    await new Promise<void>((resolve) => setImmediate(resolve)); // what came with the first value
    yield inbox.take();
  }
}

/** Holds what a source sends until it is taken, and brakes the source meanwhile. */
class Inbox<T> implements Disposable {
  readonly #maxBuffered: number;
  readonly #subscription: Subscription;
  #buffer: T[] = [];
  #size = 0;
  #end: { error?: unknown } | undefined;
  #wake: (() => void) | undefined;
  #relief: PromiseWithResolvers<void> | undefined;

  constructor(source: Observable<T>, maxBuffered: number, sizeOf: (value: T) => number = () => 1) {
    this.#maxBuffered = maxBuffered;
    this.#subscription = source.subscribe({
      next: (value) => {
        this.#buffer.push(value);
        this.#size += sizeOf(value);
        if (this.#size >= this.#maxBuffered) {
          this.#relief ??= Promise.withResolvers();
          reportBackpressure(this.#relief.promise);
        }
        this.#wake?.();
      },
      error: (error: unknown) => {
        this.#end = { error };
        this.#wake?.();
      },
      complete: () => {
        this.#end = {};
        this.#wake?.();
      },
    });
  }

  /** Waits for values. False at the end; an error of the source is thrown once all before it was taken. */
  async filled(): Promise<boolean> {
    while (this.#buffer.length === 0) {
      if (this.#end !== undefined) {
        if ('error' in this.#end) throw this.#end.error;
        return false;
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
    return true;
  }

  take(): T[] {
    const taken = this.#buffer;
    this.#buffer = [];
    this.#size = 0;
    this.#relief?.resolve();
    this.#relief = undefined;
    return taken;
  }

  [Symbol.dispose](): void {
    this.#subscription.unsubscribe();
    this.#relief?.resolve();
  }
}
