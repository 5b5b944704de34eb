import { type shelf } from '@rollcall/contract/testing';
import { firstValueFrom, last, map, NEVER, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { mapAsync } from '../../src/backpressure/map-async.ts';
import { fromIterable, toAsyncIterable } from '../../src/backpressure/backpressure.ts';
import { settled, type Shelf, until } from '../shelf-service.ts';
import { anyBooks, connect, messageCounter, named, ours, type Start, stock } from './servers.ts';
import { connectStock } from './processes/stock.ts';

const rows = 30_000;
const requests = 20_000;
/** The buffers between two processes hold less than this many of the messages below. */
const fewRows = 5000;
const fewRequests = 500; // grpc-js by itself keeps another 1 MiB of a call, to send it again

/** Requests of 1 KB each, counted as they are taken from their source. */
function countedRequests() {
  const source = { taken: 0 };
  const stream = fromIterable(function* () {
    while (source.taken < requests) {
      source.taken++;
      yield named('x', 's'.repeat(1000));
    }
  });
  return { source, stream };
}

/** Rows of 100 bytes each, counted as they are taken from their source. */
function countedRows() {
  const source = { taken: 0 };
  const stream = fromIterable(function* () {
    while (source.taken < rows) yield { books: [{ number: String(++source.taken).padEnd(100) }] };
  });
  return { source, stream };
}

describe('a response stream whose reader has stopped', () => {
  const taken = async (start: Start): Promise<number> => {
    const { source, stream } = countedRows();
    await using service = await start({ streamBooks: () => stream });
    const reader = toAsyncIterable(service.client.streamBooks(anyBooks));
    await reader.next();
    const stopped = await settled(() => source.taken);
    await reader.return();
    return stopped;
  };

  it('stock Nest: takes its whole source into memory', async () => {
    expect(await taken(stock)).toBe(rows);
  });

  it('libs/grpc: stops its source', async () => {
    expect(await taken(ours)).toBeLessThan(fewRows);
  });
});

describe('a request stream whose handler is slow', { timeout: 60_000 }, () => {
  const whileItIsSlow = async (start: Start): Promise<{ sent: number; read: number; handled: number }> => {
    const gate = Promise.withResolvers<void>();
    let handled = 0;
    const { counts, interceptor } = messageCounter();
    await using service = await start(
      {
        countBooks: (stream: Observable<shelf.CountBooksRequest>) =>
          stream.pipe(
            mapAsync(async () => {
              await gate.promise;
              return ++handled;
            }),
            last(),
            map((count) => ({ count: String(count), shelves: [] })),
          ),
      },
      { interceptor },
    );
    const { source, stream } = countedRequests();
    const deadline = Date.now() + 60_000; // it is much to send on a machine that is busy with the other tests
    const answer = firstValueFrom(service.client.countBooks(stream, { deadline }));
    await settled(() => source.taken + counts.read);
    const figures = { sent: source.taken, read: counts.read, handled };
    gate.resolve();
    expect((await answer).count).toBe(String(requests)); // nothing is lost
    return figures;
  };

  it('stock Nest: is sent to its end while none of it was handled', async () => {
    expect(await whileItIsSlow(stock)).toEqual({ sent: requests, read: requests, handled: 0 });
  });

  it('libs/grpc: waits at the sender', async () => {
    const { sent, read, handled } = await whileItIsSlow(ours);
    expect(sent).toBeLessThan(fewRequests);
    expect(read).toBeLessThan(50);
    expect(handled).toBe(0);
  });
});

describe('a client whose server does not read', () => {
  const taken = async (connectTo: (target: string) => Disposable & { client: Pick<Shelf, 'countBooks'> }) => {
    await using service = await ours({ countBooks: () => NEVER });
    using connection = connectTo(service.target);
    const { source, stream } = countedRequests();
    const calling = connection.client.countBooks(stream).subscribe({ error: () => undefined });
    await until(() => source.taken > 0);
    const stopped = await settled(() => source.taken);
    calling.unsubscribe();
    return stopped;
  };

  it('ClientGrpc: takes its whole source into memory', async () => {
    expect(await taken(connectStock)).toBe(requests);
  });

  it('GrpcChannel: stops its source', async () => {
    expect(await taken(connect)).toBeLessThan(fewRequests);
  });
});

describe('a client that does not read', () => {
  const taken = async (connectTo: (target: string) => Disposable & { client: Pick<Shelf, 'streamBooks'> }) => {
    const { source, stream } = countedRows();
    await using service = await ours({ streamBooks: () => stream });
    using connection = connectTo(service.target);
    const reader = toAsyncIterable(connection.client.streamBooks(anyBooks));
    await reader.next();
    const stopped = await settled(() => source.taken);
    await reader.return();
    return stopped;
  };

  it('ClientGrpc: takes the whole response into memory', async () => {
    expect(await taken(connectStock)).toBe(rows);
  });

  it('GrpcChannel: stops the server', async () => {
    expect(await taken(connect)).toBeLessThan(fewRows);
  });
});
