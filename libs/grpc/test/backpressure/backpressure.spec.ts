import { from, lastValueFrom, map, Observable, Subject, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  toBatches,
  emit,
  fromIterable,
  reportBackpressure,
  toAsyncIterable,
} from '../../src/backpressure/backpressure.ts';
import { mapAsync } from '../../src/backpressure/map-async.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('fromIterable', () => {
  it('takes the next value only when the sink has room, through operators', async () => {
    let pulls = 0;
    let relieve = Promise.withResolvers<void>();
    const source = fromIterable(function* () {
      for (;;) yield ++pulls;
    });
    const subscription = source.pipe(map((value) => value * 2)).subscribe(() => reportBackpressure(relieve.promise));
    await turn();
    expect(pulls).toBe(1);
    const before = relieve;
    relieve = Promise.withResolvers();
    before.resolve();
    await turn();
    expect(pulls).toBe(2);
    subscription.unsubscribe();
  });

  it('closes the iterator and fires the signal when nobody listens any more', async () => {
    const seen: string[] = [];
    const source = fromIterable(async function* (signal) {
      signal.addEventListener('abort', () => seen.push('aborted'));
      try {
        for (;;) {
          yield 1;
          await turn();
        }
      } finally {
        seen.push('closed');
      }
    });
    const subscription = source.subscribe(() => undefined);
    await turn();
    subscription.unsubscribe();
    await turn();
    await turn();
    expect(seen).toEqual(['aborted', 'closed']);
  });

  it('waits for every sink that is full', async () => {
    const [one, two] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const full = emit(
      {
        next: () => {
          reportBackpressure(one.promise);
          reportBackpressure(two.promise);
        },
      },
      1,
    );
    let free = false;
    void full?.then(() => (free = true));
    one.resolve();
    await turn();
    expect(free).toBe(false);
    two.resolve();
    await turn();
    expect(free).toBe(true);
  });

  it('brakes a source that emits inside the next of another one, and that one too', () => {
    const full = Promise.withResolvers<void>();
    const outer = { next: () => void emit({ next: () => reportBackpressure(full.promise) }, 1) };
    const around = new Observable<number>((subscriber) => {
      expect(emit({ next: (value: number) => subscriber.next(value) }, 1)).toBeDefined();
      // A second value that meets no full sink is not held up by the first one's pressure.
      expect(emit({ next: () => undefined }, 2)).toBeUndefined();
    });
    around.subscribe(() => outer.next());
  });
});

describe('toAsyncIterable', () => {
  it('gives what came in order, then the error', async () => {
    const source = new Subject<number>();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const value of toAsyncIterable(source, 10)) seen.push(value);
    })();
    source.next(1);
    source.next(2);
    source.error(new Error('cut'));
    await expect(reading).rejects.toThrow('cut');
    expect(seen).toEqual([1, 2]);
  });

  it('brakes the source at its bound, and lets go when it is read', async () => {
    let pulls = 0;
    const source = fromIterable(function* () {
      for (;;) yield ++pulls;
    });
    for await (const value of toAsyncIterable(source, 3)) {
      await turn();
      await turn();
      expect(pulls - value).toBeLessThanOrEqual(6);
      if (value >= 20) break;
    }
    const stopped = pulls;
    await turn();
    expect(pulls).toBe(stopped);
  });
});

describe('toBatches', () => {
  it('groups what comes in one turn, and keeps no value waiting', async () => {
    const source = new Subject<number>();
    const seen: number[][] = [];
    const reading = (async () => {
      for await (const batch of toBatches(source, 100)) seen.push(batch);
    })();
    source.next(1);
    source.next(2);
    while (seen.length < 1) await turn();
    source.next(3);
    while (seen.length < 2) await turn();
    source.complete();
    await reading;
    expect(seen).toEqual([[1, 2], [3]]);
  });

  it('brakes the source when what waits has the size that it may have', async () => {
    let asked = 0;
    const source = fromIterable(function* () {
      for (; asked < 100;) yield (asked += 1);
    });
    for await (const batch of toBatches(source, 10, () => 4)) {
      expect(batch).toEqual([1, 2, 3]);
      break;
    }
    expect(asked).toBeLessThanOrEqual(6); // those that come while the first are read
  });
});

describe('mapAsync', () => {
  it('keeps the order of the values, works on several at a time, and takes no more than that', async () => {
    let pulls = 0;
    let working = 0;
    let max = 0;
    const source = fromIterable(function* () {
      while (pulls < 100) yield pulls++;
    });
    const seen = await lastValueFrom(
      source.pipe(
        mapAsync(async (value) => {
          max = Math.max(max, ++working);
          for (let turns = 0; turns <= value % 3; turns++) await turn();
          expect(pulls - value).toBeLessThanOrEqual(8);
          working--;
          return value;
        }, 4),
        toArray(),
      ),
    );
    expect(seen).toEqual(Array.from({ length: 100 }, (_, index) => index));
    expect(max).toBe(4);
  });

  it('works off what comes in spite of the pressure, and then completes', async () => {
    const results = lastValueFrom(
      from([1, undefined, 3]).pipe(
        mapAsync((value) => Promise.resolve(value)),
        toArray(),
      ),
    );
    expect(await results).toEqual([1, undefined, 3]);
  });

  it('passes on an error of the work', async () => {
    await expect(lastValueFrom(from([1]).pipe(mapAsync(() => Promise.reject(new Error('no')))))).rejects.toThrow('no');
  });
});
