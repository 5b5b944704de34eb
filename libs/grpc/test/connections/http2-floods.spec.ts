import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { constants } from 'node:http2';
import { firstValueFrom, NEVER } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type Service, shelfServiceName, startShelf, until } from '../shelf-service.ts';

/** Kinds of frames and their flags. @see https://www.rfc-editor.org/rfc/rfc9113#section-6 */
const kinds = { headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, continuation: 9 } as const;
const endStream = 0x1;
const endHeaders = 0x4;

function frame(kind: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(kind, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const literal = (text: string): Buffer => Buffer.concat([Buffer.of(text.length), Buffer.from(text)]);
const field = (name: string, value: string): Buffer => Buffer.concat([Buffer.of(0), literal(name), literal(value)]);
/** The headers of a call to ReadFile: POST and http stand in HPACK's table, and so does the name of the path. */
const headersOfCall = Buffer.concat([
  Buffer.of(0x83, 0x86, 0x04),
  literal(`/${shelfServiceName}/ReadFile`),
  field('content-type', 'application/grpc'),
  field('te', 'trailers'),
]);
const beginning = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(kinds.settings, 0, 0)]);

/** An attacker's connection, which says what HTTP/2 begins with. */
async function attack({ target }: Service): Promise<Socket> {
  const socket = connect(target.replace('unix://', '')).on('error', () => undefined); // it is cut
  await once(socket, 'connect');
  socket.write(beginning);
  return socket;
}

/** Writes as fast as it is taken, until the connection is closed. @returns how many bytes were taken, up to a hundred million */
async function flood(socket: Socket, next: () => Buffer): Promise<number> {
  let written = 0;
  const closed = new Promise((resolve) => socket.once('close', resolve));
  while (!socket.destroyed && written < 100_000_000) {
    const bytes = next();
    written += bytes.length;
    if (!socket.write(bytes))
      await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed, anotherTurn()]);
  }
  return written;
}

const anotherTurn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

/** The codes of the GOAWAY frames that came. */
function goAways(received: Buffer): number[] {
  const codes: number[] = [];
  for (let at = 0; at + 9 <= received.length;) {
    const length = received.readUIntBE(at, 3);
    if (received[at + 3] === kinds.goAway && at + 17 <= received.length) codes.push(received.readUInt32BE(at + 13));
    at += 9 + length;
  }
  return codes;
}

describe('a flood ends its connection, and others are served meanwhile:', () => {
  const pings = Buffer.concat(Array.from({ length: 1000 }, () => frame(kinds.ping, 0, 0, Buffer.alloc(8))));
  const settings = Buffer.concat(Array.from({ length: 1000 }, () => frame(kinds.settings, 0, 0)));
  const continuation = frame(kinds.continuation, 0, 1, field('x', 'y'.repeat(100)));
  let stream = -1;
  const resets = (): Buffer =>
    Buffer.concat(
      Array.from({ length: 100 }, () => {
        stream += 2;
        return Buffer.concat([
          frame(kinds.headers, endHeaders | endStream, stream, headersOfCall),
          frame(kinds.reset, 0, stream, Buffer.of(0, 0, 0, constants.NGHTTP2_CANCEL)),
        ]);
      }),
    );

  it.each<[what: string, reads: boolean, first: Buffer | undefined, next: () => Buffer]>([
    ['calls that are reset at once (CVE-2023-44487)', true, undefined, resets],
    ['calls that are reset at once by one who does not read', false, undefined, resets],
    ['PINGs of one who does not read', false, undefined, () => pings],
    ['SETTINGS of one who does not read', false, undefined, () => settings],
    ['headers that do not end', true, frame(kinds.headers, 0, 1, headersOfCall), () => continuation],
    [
      'headers that do not end, of one who does not read',
      false,
      frame(kinds.headers, 0, 1, headersOfCall),
      () => continuation,
    ],
  ])('%s', async (_, reads, first, next) => {
    stream = -1;
    let running = 0;
    let max = 0;
    let others = 0;
    await using service = await startShelf({
      readFile: (_request: never, { signal }) => {
        max = Math.max(max, (running += 1));
        signal.addEventListener('abort', () => (running -= 1));
        return NEVER;
      },
      countBooks: () => Promise.resolve({ count: '1' }),
    });
    const socket = await attack(service);
    const received: Buffer[] = [];
    if (reads) socket.on('data', (chunk: Buffer) => received.push(chunk));
    else socket.pause();
    if (first !== undefined) socket.write(first);
    const flooding = flood(socket, next);
    const serving = (async () => {
      while (!socket.destroyed) {
        await firstValueFrom(service.client.countBooks(NEVER));
        others += 1;
      }
    })();
    expect(await flooding).toBeLessThan(100_000_000);
    await serving;
    expect(others).toBeGreaterThan(0);
    expect(max).toBeLessThanOrEqual(1000);
    await until(() => running === 0);
    expect(goAways(Buffer.concat(received)).length > 0).toBe(reads);
    expect(await firstValueFrom(service.client.countBooks(NEVER))).toMatchObject({ count: '1' });
  });
});

it.each([
  ['headers that have begun do not end', frame(kinds.headers, 0, 1, headersOfCall)],
  ['nothing follows', Buffer.alloc(0)],
])('a connection on which %s is closed when it has been idle for too long', async (_, bytes) => {
  await using service = await startShelf({}, { limits: { maxConnectionIdleMs: 50 } });
  const socket = (await attack(service)).resume();
  socket.write(bytes);
  await once(socket, 'close');
  expect(socket.destroyed).toBe(true);
});
