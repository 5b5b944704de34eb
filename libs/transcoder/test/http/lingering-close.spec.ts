import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { bytesPerMoment, lingerMs, maxLingering, momentMs } from '../../src/http/lingering-close.ts';
import { startRest, until } from '../shelf.ts';

const head = (bytes: number): string => `POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\n\r\n`;
const MiB = 1024 * 1024;

afterEach(() => void vi.useRealTimers());

test('a caller that reads its answer only when its refused body of 10 MB is sent gets it', async () => {
  await using rest = await startRest();
  const socket = connect(rest.socketPath);
  await new Promise((resolve) => socket.write(head(10 * MiB) + ' '.repeat(10 * MiB), resolve));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toContain('HTTP/1.1 404 Not Found');
  await once(socket, 'close');
});

test('refused bodies of all callers together are read at a bounded rate, until their connections are closed', async () => {
  await using rest = await startRest();
  const callers = 8;
  const sent = Array.from({ length: callers }, async () => {
    const socket = connect(rest.socketPath);
    socket.on('error', () => undefined); // it is closed in the middle
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(head(8192 * MiB));
    const answered = once(socket, 'data');
    const piece = Buffer.alloc(16 * 1024);
    let taken = 0;
    while (await new Promise((resolve) => socket.write(piece, (error) => resolve(!error)))) taken += piece.length;
    const [answer] = (await answered) as [Buffer];
    expect(answer.toString()).toContain('HTTP/1.1 404 Not Found');
    await closed;
    return taken;
  });
  const bytes = (await Promise.all(sent)).reduce((sum, each) => sum + each, 0);
  // A slow machine begins later to count, and the buffers of Node and of the system have some pieces more than are asked for.
  expect(bytes).toBeGreaterThan(callers * MiB);
  expect(bytes).toBeLessThan(bytesPerMoment * (1.5 * (lingerMs / momentMs)) + callers * MiB);
});

test('only so many callers at a time are read on, and the one that began first is cut off', async () => {
  await using rest = await startRest();
  vi.useFakeTimers({ toFake: ['setTimeout'] }); // none of them is cut off because its time is over
  const sockets: Socket[] = [];
  const lingering = async (): Promise<Socket> => {
    const socket = connect(rest.socketPath).on('error', () => undefined);
    sockets.push(socket);
    socket.write(head(MiB));
    await once(socket, 'data');
    return socket;
  };
  const first = await lingering();
  const closed = new Promise((resolve) => first.once('close', resolve));
  await Promise.all(Array.from({ length: maxLingering }, lingering));
  await closed;
  expect(sockets.filter((socket) => socket.closed)).toEqual([first]);
  for (const socket of sockets) socket.destroy();
});

test('a connection that goes on keeps nothing of the requests that were read to their end', async () => {
  await using rest = await startRest();
  let listeners = (): number => 0;
  rest.app.getHttpServer().once('connection', (peer: Socket) => (listeners = () => peer.listenerCount('close')));
  const socket = connect(rest.socketPath);
  const counts: number[] = [];
  for (let count = 0; count < 6; count += 1) {
    socket.write('GET /v1/shelves/1/books/2 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toContain('HTTP/1.1 200 OK');
    counts.push(listeners());
    socket.write(' ');
  }
  await until(() => listeners() <= (counts[0] ?? 0));
  socket.destroy();
});
