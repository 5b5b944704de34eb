import type { shelf } from '@rollcall/contract/testing';
import { firstValueFrom, lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { fromIterable, toAsyncIterable } from '../../src/backpressure/backpressure.ts';
import { until } from '../shelf-service.ts';
import { startServer, type ServerProcess } from './processes/processes.ts';
import type { Figures, Scene } from './processes/scenes.ts';
import { connect, named } from './servers.ts';

/** Reduced in `npm test`; `npm run test:faults` sets the full sizes. */
const size = {
  readers: Number(process.env['FAULTS_READERS'] ?? 20),
  rows: Number(process.env['FAULTS_ROWS'] ?? 50_000),
  stockRows: Number(process.env['FAULTS_STOCK_ROWS'] ?? 20_000),
  messagesRead: Number(process.env['FAULTS_MESSAGES_READ'] ?? 20),
  messages: Number(process.env['FAULTS_MESSAGES'] ?? 4000),
  stockMessages: Number(process.env['FAULTS_STOCK_MESSAGES'] ?? 2000),
};
const calls = 50;
const MB = 1024 * 1024;
/** What readers of a cold process read before they stop: how V8 grows with the work is not what is measured. */
const fewMessages = 20;
/** Some rows a message, as a service would send them. */
const several = 50;

/** Waits until a figure of a process has stopped changing. */
async function stopped(server: ServerProcess, figure: (figures: Figures) => number, looks = 10): Promise<Figures> {
  let same = 0;
  let last = await server.figures();
  while (same < looks) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const next = await server.figures();
    same = figure(next) === figure(last) ? same + 1 : 0;
    last = next;
  }
  return last;
}

/** By how many MB a process grew at most since it was in a state. */
const growth = (before: Figures, after: Figures): number => Math.round((after.maxRssBytes - before.rssBytes) / MB);

describe('the memory of a server with slow readers', { timeout: 300_000 }, () => {
  /**
   * Opens streams on connections of their own, reads slowly from each, and then stops to. A warm server has streamed to
   * as many readers before, as fast as they could read: what Node needs for that is not what slow readers cost.
   */
  const readSlowly = async (side: Scene['side'], rows: number, rowsPerMessage: number, warmUp = 10) => {
    const messagesRead = warmUp > 0 ? size.messagesRead : fewMessages;
    await using server = await startServer({ side, scene: 'rows', rowsPerMessage });
    using connections = new DisposableStack();
    const clients = Array.from({ length: size.readers }, () => connections.use(connect(server.target)).client);
    for (let round = 0; round < warmUp; round++) {
      await Promise.all(clients.map((client) => lastValueFrom(client.streamBooks(request(40 * rowsPerMessage)))));
    }
    const before = await server.figures(true);
    const readers = clients.map(async (client) => {
      const reader = toAsyncIterable(client.streamBooks(request(rows)));
      for (let message = 0; message < messagesRead; message++) {
        await reader.next();
        await new Promise((resolve) => setTimeout(resolve, 20)); // that is what makes it slow
      }
      return reader;
    });
    const opened = await Promise.all(readers);
    const stoppedAt = await stopped(server, ({ rowsTaken }) => rowsTaken);
    const after = await server.figures(true);
    await Promise.all(opened.map((reader) => reader.return()));
    return {
      grownMB: growth(before, stoppedAt),
      heldMB: Math.round((after.heldBytes - before.heldBytes) / MB),
      rowsTaken: after.rowsTaken - before.rowsTaken,
    };
  };
  const request = (count: number): shelf.StreamBooksRequest => ({ count, perMessage: 0, failAfter: 0, after: '' });

  it('stock Nest: grows with the rows', async () => {
    const { readers, stockRows } = size;
    const figures = await readSlowly('stock', stockRows, several);
    console.log(`stock Nest, ${readers} slow readers × ${stockRows} rows, ${several} a message:`, figures);
    expect(figures.rowsTaken).toBe(readers * stockRows);
    expect(figures.heldMB).toBeGreaterThan((readers * stockRows * 100) / MB / 2);
    expect(figures.grownMB).toBeGreaterThan((readers * stockRows * 100) / MB / 2);
  });

  it.each([several, 1])('libs/grpc: stays within 64 MB, with %i rows a message', async (rowsPerMessage) => {
    const { rows, readers } = size;
    const figures = await readSlowly('ours', rows, rowsPerMessage);
    console.log(`libs/grpc, ${readers} slow readers × ${rows} rows, ${rowsPerMessage} a message:`, figures);
    expect(figures.rowsTaken).toBeLessThan(readers * rows);
    expect(figures.heldMB).toBeLessThanOrEqual(32);
    expect(figures.grownMB).toBeLessThanOrEqual(64);
  });

  it.each([several, 1])(
    'libs/grpc: stays within 64 MB from a cold start, with %i rows a message',
    async (rowsPerMessage) => {
      const { rows, readers } = size;
      const figures = await readSlowly('ours', rows, rowsPerMessage, 0);
      console.log(`libs/grpc, cold, ${readers} slow readers × ${rows} rows, ${rowsPerMessage} a message:`, figures);
      expect(figures.rowsTaken).toBeLessThan(readers * rows);
      expect(figures.heldMB).toBeLessThanOrEqual(32);
      expect(figures.grownMB).toBeLessThanOrEqual(64);
    },
  );
});

describe('the memory of a server that is flooded while a guard is pending', { timeout: 300_000 }, () => {
  const flood = async (side: Scene['side'], messages: number): Promise<{ grownMB: number; sent: number }> => {
    const admitted = 200;
    await using server = await startServer({ side, scene: 'flood', admitted });
    using connections = new DisposableStack();
    const warmer = connections.use(connect(server.target));
    for (let call = 0; call < admitted; call++) await firstValueFrom(warmer.client.readFile({ path: '' }));
    const before = await server.figures();
    let sent = 0;
    const floods = Array.from({ length: calls }, () => {
      const { client } = connections.use(connect(server.target));
      const requests = fromIterable(async function* () {
        for (let message = 0; message < messages; message++) {
          sent++;
          yield named('x', 's'.repeat(1000));
        }
      });
      return client.talkBooks(requests).subscribe({ error: () => undefined });
    });
    await until(() => sent >= calls);
    const all = calls * messages;
    for (let last = -1; sent < all && sent !== last; await stopped(server, ({ maxRssBytes }) => maxRssBytes))
      last = sent;
    const after = await stopped(server, ({ maxRssBytes }) => maxRssBytes);
    for (const each of floods) each.unsubscribe();
    expect(after.callsGuarded).toBe(admitted + calls);
    return { grownMB: growth(before, after), sent };
  };

  it('stock Nest: grows with what is sent', async () => {
    const figures = await flood('stock', size.stockMessages);
    console.log(`stock Nest, ${calls} calls × ${size.stockMessages} messages of 1 KB:`, figures);
    expect(figures.sent).toBe(calls * size.stockMessages);
    expect(figures.grownMB).toBeGreaterThan((figures.sent * 1000) / MB / 2);
  });

  it('libs/grpc: stays within 32 MB', async () => {
    const figures = await flood('ours', size.messages);
    console.log(`libs/grpc, ${calls} calls × ${size.messages} messages of 1 KB:`, figures);
    expect(figures.sent).toBeLessThan(calls * 2000); // grpc-js keeps 1 MiB of a call, to send it again
    expect(figures.grownMB).toBeLessThanOrEqual(32);
  });
});
