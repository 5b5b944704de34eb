/** A server as a process of its own: `server-process.ts TARGET SCENE`, the latter as JSON (see scenes.ts). */
import { status as Status } from '@grpc/grpc-js';
import { RpcException } from '@nestjs/microservices';
import { fromIterable } from '../../../src/backpressure/backpressure.ts';
import { RpcError } from '../../../src/status/rpc-error.ts';
import type { shelf } from '@rollcall/contract/testing';
import { concat, map, NEVER, type Observable, of } from 'rxjs';
import { createOurs } from './ours.ts';
import type { Figures, Scene } from './scenes.ts';
import { createStock } from './stock.ts';

const [, , target = '', json = ''] = process.argv;
const { side, scene, rowsPerMessage = 1, admitted = 0, drainMs } = JSON.parse(json) as Scene;
let rowsTaken = 0;
let callsGuarded = 0;

const handlers = {
  readFile: () => {
    if (scene !== 'surrogate') return { path: 'a file' };
    const message = '\ud800 broken';
    throw side === 'stock'
      ? new RpcException({ code: Status.NOT_FOUND, message })
      : new RpcError(Status.NOT_FOUND, 'USER_NOT_FOUND', message);
  },
  streamBooks: ({ count }: shelf.StreamBooksRequest) =>
    scene === 'rows' ? streamOfRows(count) : concat(of({ books: [{ number: '7' }] }), NEVER),
  talkBooks: (requests: Observable<shelf.CountBooksRequest>) =>
    concat(requests.pipe(map(({ name }) => ({ name }))), NEVER),
};
const guard = {
  canActivate: async (): Promise<boolean> => {
    callsGuarded++;
    return scene !== 'flood' || callsGuarded <= admitted || new Promise<boolean>(() => undefined);
  },
};

function streamOfRows(rows: number) {
  return fromIterable(function* () {
    for (let row = 0; row < rows; row += rowsPerMessage) {
      const books = Array.from({ length: rowsPerMessage }, (_, index) => ({ number: String(row + index).padEnd(98) }));
      rowsTaken += rowsPerMessage;
      yield { books };
    }
  });
}

const app =
  side === 'stock'
    ? await createStock(handlers, target, { guard, grpc: { gracefulShutdown: true } })
    : await createOurs(handlers, target, { guard, server: drainMs === undefined ? {} : { drainMs } });
app.enableShutdownHooks(['SIGTERM'], { useProcessExit: true });
await app.listen();

process.on('message', (collect: boolean) => void tell(collect));

async function tell(collect: boolean): Promise<void> {
  const rssBytes = process.memoryUsage.rss();
  for (let turn = 0; collect && turn < 3; turn++) {
    gc?.();
    await new Promise((resolve) => setTimeout(resolve, 10)); // buffers are freed beside the program, after it
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  const figures: Figures = {
    rssBytes,
    maxRssBytes: process.resourceUsage().maxRSS * 1024,
    heldBytes: heapUsed + arrayBuffers,
    rowsTaken,
    callsGuarded,
  };
  process.send?.(figures);
}

// The one that started it has ended.
process.on('disconnect', () => process.exit());
process.send?.('listening');
