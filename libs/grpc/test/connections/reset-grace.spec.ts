import { constants, type ServerHttp2Stream } from 'node:http2';
import { Observable, of, range } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { CallContext } from '../../src/context/call-context.ts';
import { http2Servers } from '../../src/internals/http2-streams.ts';
import { call, end, plainConnection, request } from '../plain-http2.ts';
import { type Service, startShelf, until } from '../shelf-service.ts';

/** The streams of a server, as they come. */
function streamsOf({ server }: Service): ServerHttp2Stream[] {
  const streams: ServerHttp2Stream[] = [];
  for (const below of http2Servers(server.unwrap())) below.on('stream', (stream) => streams.push(stream));
  return streams;
}

const someBooks = { books: [{ number: 'x'.repeat(1000) }] };
/** Heeds nobody. */
const flood = () => new Observable((subscriber) => range(0, 10_000).subscribe(() => subscriber.next(someBooks)));

describe('what a stream that is over still has to send', () => {
  it('goes with the stream when a reader that was too slow does not take it, and other calls go on', async () => {
    await using service = await startShelf(
      { streamBooks: flood, readFile: () => ({ path: '' }) },
      { limits: { maxUnsentBytes: 200_000, resetGraceMs: 50 } },
    );
    const streams = streamsOf(service);
    const session = plainConnection(service);
    const stream = request(session, 'StreamBooks'); // and nothing is read of it
    const ended = end(stream);
    await until(() => streams.length === 1);
    expect(await call(session)).toBe('OK');
    await until(() => streams[0]?.destroyed ?? false);
    expect(streams[0]?.rstCode).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    expect(streams[0]?.writableLength).toBe(0);
    stream.resume();
    expect(await ended).toBe(`reset ${constants.NGHTTP2_ENHANCE_YOUR_CALM}`); // RESOURCE_EXHAUSTED to a client of gRPC
    expect(await call(session)).toBe('OK');
    session.close();
  });

  it('reaches a reader that goes on in time, and then the status', async () => {
    await using service = await startShelf(
      { streamBooks: flood },
      { limits: { maxUnsentBytes: 200_000, resetGraceMs: 60_000 } },
    );
    const streams = streamsOf(service);
    const session = plainConnection(service);
    const stream = request(session, 'StreamBooks');
    await until(() => streams.length === 1);
    expect(await end(stream.resume())).toBe('RESOURCE_EXHAUSTED');
    session.close();
  });

  it('goes when nobody has read of a stream that completed for as long as a stream may be idle', async () => {
    const large = { books: [{ number: 'x'.repeat(500_000) }] };
    await using service = await startShelf(
      { streamBooks: () => of(large, large), readFile: () => ({ path: '' }) },
      { limits: { streamIdleMs: 50 } },
    );
    const streams = streamsOf(service);
    const session = plainConnection(service);
    const ended = end(request(session, 'StreamBooks'));
    await until(() => streams[0]?.destroyed ?? false);
    expect(await call(session)).toBe('OK');
    session.close();
    void ended;
  });

  it('goes at the deadline when it is a large answer that nobody reads', async () => {
    let deadline = 0;
    await using service = await startShelf(
      {
        readFile: (_: never, context: CallContext) => {
          deadline = context.deadline;
          return { path: 'x'.repeat(500_000) };
        },
        getBook: () => ({}),
      },
      { limits: { maxDeadlineMs: 500 } },
    );
    const streams = streamsOf(service);
    const session = plainConnection(service);
    request(session);
    await until(() => streams[0]?.destroyed ?? false);
    expect(Date.now()).toBeGreaterThanOrEqual(deadline);
    expect(await end(request(session, 'GetBook').resume())).toBe('OK');
    session.close();
  });
});
