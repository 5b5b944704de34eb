import type { CanActivate, Type } from '@nestjs/common';
import type { shelf } from '@rollcall/contract/testing';
import { count, firstValueFrom, lastValueFrom, map, type Observable, of, ReplaySubject, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { fromIterable } from '../../src/backpressure/backpressure.ts';
import { type RpcError } from '../../src/status/rpc-error.ts';
import { settled, until } from '../shelf-service.ts';
import { messageCounter, named, ours, type Start, stock } from './servers.ts';

type Requests = Observable<shelf.CountBooksRequest>;

const echo = (requests: Requests): Observable<shelf.TalkBooksResponse> => requests.pipe(map(({ name }) => ({ name })));
const numbers = Array.from({ length: 100 }, (_, index) => String(index));
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('messages that arrive while an async guard runs', () => {
  /** What was sent, and what the server has read of it, while the caller was not let in. */
  const flood = async (start: Start): Promise<[sent: number, read: number]> => {
    const entry = Promise.withResolvers<boolean>();
    let asked = false;
    class PendingGuard implements CanActivate {
      canActivate(): Promise<boolean> {
        asked = true;
        return entry.promise;
      }
    }
    const { counts, interceptor } = messageCounter();
    await using service = await start({ talkBooks: echo }, { guard: PendingGuard, interceptor });
    let sent = 0;
    const requests = fromIterable(function* () {
      while (sent < 20_000) {
        sent++;
        yield named('x', 's'.repeat(1000));
      }
    });
    const refused = lastValueFrom(service.client.talkBooks(requests)).catch((error: RpcError) => error);
    await until(() => asked);
    await settled(() => sent + counts.read);
    const figures: [number, number] = [sent, counts.read];
    entry.resolve(false);
    expect(await refused).toBeInstanceOf(Error);
    return figures;
  };

  it('stock Nest: are read and kept without a limit before the caller is let in', async () => {
    expect(await flood(stock)).toEqual([20_000, 20_000]);
  });

  it('libs/grpc: are not read, and wait at the sender', async () => {
    const [sent, read] = await flood(ours);
    expect(sent).toBeLessThan(2000); // grpc-js keeps 1 MiB of a call, to send it again
    expect(read).toBe(0);
  });

  /** In how many of 100 calls the messages were reordered, lost or doubled. */
  const disturbed = async (start: Start): Promise<number> => {
    const SlowGuard: Type<CanActivate> = class implements CanActivate {
      async canActivate(): Promise<boolean> {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
        return true;
      }
    };
    await using service = await start({ talkBooks: echo }, { guard: SlowGuard });
    const calls = Array.from({ length: 100 }, async () => {
      const requests = fromIterable(async function* () {
        for (const number of numbers) {
          yield named(number);
          await nextTurn();
        }
      });
      const names = service.client.talkBooks(requests).pipe(map(({ name }) => name));
      return lastValueFrom(names.pipe(toArray()));
    });
    const answers = await Promise.all(calls);
    return answers.filter((names) => names.join() !== numbers.join()).length;
  };

  it('stock Nest: come out of order', async () => {
    expect(await disturbed(stock)).toBeGreaterThan(10);
  });

  it('libs/grpc: come once and in order, 100 calls of 100', async () => {
    expect(await disturbed(ours)).toBe(0);
  });
});

describe('an async handler that awaits its stream', () => {
  const answer = async (start: Start): Promise<unknown> => {
    await using service = await start({
      async countBooks(requests: Requests) {
        return { count: String(await lastValueFrom(requests.pipe(count()))), shelves: [] };
      },
    });
    const call = service.client.countBooks(of(named('a'), named('b'), named('c')), { deadline: Date.now() + 2000 });
    return await firstValueFrom(call).catch((error: RpcError) => error);
  };

  it('stock Nest: waits for ever', async () => {
    expect(await answer(stock)).toMatchObject({ reason: '', message: expect.stringContaining('Deadline exceeded') });
  });

  it('libs/grpc: answers', async () => {
    expect(await answer(ours)).toEqual({ count: '3', shelves: [] });
  });
});

describe('a handler that subscribes, awaits, and then returns an Observable', () => {
  const seen = async (start: Start): Promise<string[]> => {
    const names: string[] = [];
    await using service = await start({
      async talkBooks(requests: Requests) {
        const answers = new ReplaySubject<shelf.TalkBooksResponse>();
        requests.subscribe({
          next: ({ name }) => {
            names.push(name);
            answers.next({ name });
          },
          complete: () => answers.complete(),
        });
        await until(() => names.length === 3);
        return answers;
      },
    });
    const call = service.client.talkBooks(of(named('a'), named('b'), named('c')));
    await lastValueFrom(call);
    return names;
  };

  it('stock Nest: sees every message twice', async () => {
    expect(await seen(stock)).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  });

  it('libs/grpc: sees every message once', async () => {
    expect(await seen(ours)).toEqual(['a', 'b', 'c']);
  });
});
