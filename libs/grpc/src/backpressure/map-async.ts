import { Observable, type OperatorFunction } from 'rxjs';
import { reportBackpressure } from './backpressure.ts';

/**
 * As `concatMap` with a promise, and it brakes its source: of RxJS's own operators those that wait for promises keep a
 * queue without a bound. Results come in the order of the values, also when several are worked on at a time.
 *
 * @param project gives the result for a value; its error is the error of the whole
 * @param concurrency how many values are worked on at a time
 */
export function mapAsync<T, R>(project: (value: T) => Promise<R>, concurrency = 1): OperatorFunction<T, R> {
  return (source) =>
    new Observable<R>((subscriber) => {
      /** Each value's result, in order; undefined until it is there. */
      const results: { done?: { value: R } }[] = [];
      /** What came in spite of the pressure. */
      const waiting: { value: T }[] = [];
      let working = 0;
      let completed = false;
      let relief: PromiseWithResolvers<void> | undefined;

      const flush = (): void => {
        for (let first = results[0]; first?.done !== undefined; first = results[0]) {
          results.shift();
          subscriber.next(first.done.value);
        }
        if (completed && results.length === 0 && waiting.length === 0) subscriber.complete();
      };
      const work = (value: T): void => {
        const result: (typeof results)[number] = {};
        results.push(result);
        working++;
        project(value).then(
          (done) => {
            working--;
            result.done = { value: done };
            const next = waiting.shift();
            if (next !== undefined) work(next.value);
            else {
              relief?.resolve();
              relief = undefined;
            }
            flush();
          },
          (error: unknown) => subscriber.error(error),
        );
      };
      const subscription = source.subscribe({
        next: (value) => {
          if (working < concurrency) work(value);
          else waiting.push({ value });
          if (working < concurrency) return;
          relief ??= Promise.withResolvers();
          reportBackpressure(relief.promise);
        },
        error: (error: unknown) => subscriber.error(error),
        complete: () => {
          completed = true;
          flush();
        },
      });
      return () => {
        subscription.unsubscribe();
        relief?.resolve();
      };
    });
}
