import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HttpConnection } from '../../src/measure/http-connection.ts';
import { HttpLoad, type LoadRequest } from '../../src/measure/http-load.ts';

const text = 'GET / HTTP/1.1\r\nhost: test\r\n\r\n';
const next = (): LoadRequest => ({ text, isRight: ({ status, body }) => status === 200 && body === 'right' });

/** Serves on a unix socket until the test is over. */
async function serve(listener: RequestListener): Promise<AsyncDisposable & { socketPath: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'http-load-'));
  const socketPath = join(folder, 'http.sock');
  const server = createServer(listener).listen(socketPath);
  await once(server, 'listening');
  return {
    socketPath,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      rmSync(folder, { recursive: true });
    },
  };
}

test('counts every answer, and keeps as many requests in flight as it is told', async () => {
  let asked = 0;
  let waiting: (() => void)[] | undefined = [];
  await using server = await serve((_, response) => {
    asked += 1;
    const answer = (): unknown => response.setHeader('content-length', 5).end('right');
    if (waiting === undefined) {
      answer();
      return;
    }
    waiting.push(answer);
    if (waiting.length < 7) return;
    for (const each of waiting) each();
    waiting = undefined;
  });
  await using load = await HttpLoad.open(server.socketPath, 7, next);
  const result = await load.run(100);
  expect(waiting).toBeUndefined();
  expect(result.answers).toBe(asked);
  expect(result.elapsedMs).toBeGreaterThanOrEqual(100);
  expect(result.p99Millis).toBeGreaterThanOrEqual(result.p50Millis);
});

test('fails at the first wrong answer', async () => {
  let asked = 0;
  await using server = await serve((_, response) => {
    asked += 1;
    const body = asked === 20 ? 'wrong' : 'right';
    response.setHeader('content-length', 5).end(body);
  });
  await using load = await HttpLoad.open(server.socketPath, 2, next);
  await expect(load.run(10_000)).rejects.toThrow('a wrong answer, 200 wrong, to GET /');
});

test('fails when the server goes away', async () => {
  await using server = await serve((request) => request.socket.destroy());
  await using load = await HttpLoad.open(server.socketPath, 2, next);
  await expect(load.run(10_000)).rejects.toThrow('the server closed the connection');
});

test('reads an answer that comes in pieces, and the one after it', async () => {
  await using server = await serve((_, response) => {
    response.setHeader('content-length', 4);
    response.write('pi');
    setImmediate(() => response.end('èc', 'latin1'));
  });
  await using connection = await HttpConnection.open(server.socketPath);
  expect(await connection.ask(text)).toEqual({ status: 200, body: 'pièc' });
  expect(await connection.ask(text)).toEqual({ status: 200, body: 'pièc' });
});

test('says so when an answer has no content-length', async () => {
  await using server = await serve((_, response) => {
    response.write('chunk');
    response.end();
  });
  await using connection = await HttpConnection.open(server.socketPath);
  await expect(connection.ask(text)).rejects.toThrow('an answer without content-length');
});
