import type { EventEmitter } from 'node:events';
import type { Metadata } from '@grpc/grpc-js';
import type { shelf } from '@rollcall/contract/testing';
import { firstValueFrom, Observable, Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { CallContext } from '../../src/context/call-context.ts';
import type { RpcError } from '../../src/status/rpc-error.ts';
import { startShelf, until } from '../shelf-service.ts';
import { named, ours, type Served, type Start, startStockShelf, stock } from './servers.ts';

describe('a client stream that is cancelled', () => {
  /** How the request stream ends in the handler, call by call. */
  const ends = async (start: Start): Promise<unknown[]> => {
    const seen: unknown[] = [];
    let received = 0;
    await using service = await start({
      countBooks: (requests: Observable<shelf.CountBooksRequest>) =>
        new Observable(() => {
          requests.subscribe({
            next: () => received++,
            error: (error: RpcError) => seen.push(error.reason),
            complete: () => seen.push('complete'),
          });
        }),
    });
    for (let call = 1; call <= 20; call++) {
      const requests = new Subject<shelf.CountBooksRequest>();
      const calling = service.client.countBooks(requests).subscribe();
      requests.next(named('half of it'));
      await until(() => received === call);
      calling.unsubscribe();
      await until(() => seen.length === call);
    }
    return seen;
  };

  it('stock Nest: looks finished', async () => {
    expect(await ends(stock)).toEqual(Array(20).fill('complete'));
  });

  it('libs/grpc: errors with CANCELLED', async () => {
    expect(await ends(ours)).toEqual(Array(20).fill('CANCELLED'));
  });
});

describe('a unary call that is cancelled', () => {
  /** Cancels a call, and waits until the server knows. */
  const cancel = async ({ client }: Served, knows: () => boolean, running: () => boolean): Promise<void> => {
    const calling = client.readFile({ path: '' }).subscribe();
    await until(running);
    calling.unsubscribe();
    await until(knows);
    await firstValueFrom(client.getBook({ name: '' })); // it has had a turn since
  };

  it("stock Nest: leaves the handler's Observable running", async () => {
    let running = false;
    let torn = false;
    let cancelled = false;
    await using service = await startStockShelf({
      readFile: (_: never, __: Metadata, call: EventEmitter) =>
        new Observable(() => {
          running = true;
          call.on('cancelled', () => (cancelled = true));
          return () => (torn = true);
        }),
      getBook: () => ({}),
    });
    await cancel(
      service,
      () => cancelled,
      () => running,
    );
    expect(torn).toBe(false);
  });

  it("libs/grpc: tears the handler's Observable down, and fires its signal", async () => {
    let running = false;
    let torn = false;
    let signal: AbortSignal | undefined;
    await using service = await startShelf({
      readFile: (_: never, context: CallContext) =>
        new Observable(() => {
          running = true;
          signal = context.signal;
          return () => (torn = true);
        }),
      getBook: () => ({}),
    });
    await cancel(
      service,
      () => signal?.aborted === true,
      () => running,
    );
    expect(torn).toBe(true);
  });
});
