import type { IncomingMessage } from 'node:http';
import { finished } from 'node:stream';

/** How long, in milliseconds, a caller may go on sending what nobody wants. */
export const lingerMs = 2000;

/** How many callers may do that at a time; beyond it the one that began first is cut off. */
export const maxLingering = 64;

/** How often a piece is read from each of them, in milliseconds. */
export const pieceMs = 50;

/**
 * Reads what is left of a request that is answered already and throws it away: many a caller looks for its answer only when
 * all is sent, and would see a reset instead if the connection were closed at once. Such bytes cost memory and time until
 * they are thrown away, so they are read piece by piece, and callers are slowed down by TCP. Those who see their answer at
 * once close the connection before anything more is read. A request for which that was done before is left alone.
 *
 * @param end closes the connection; called once, when all is read, the time is over, or too many do the same
 */
export function linger(request: IncomingMessage, end: () => void): void {
  if (begun.has(request)) return;
  begun.add(request);
  const stop = (): void => {
    if (!lingering.delete(request)) return;
    clearTimeout(timer);
    end();
  };
  const timer = setTimeout(stop, lingerMs);
  lingering.set(request, stop);
  finished(request, stop);
  request.socket.once('close', stop); // a request that was answered is not told of it
  for (let piece = request.read() as Buffer | null; piece !== null; piece = request.read() as Buffer | null)
    release(piece);
  request.on('data', (piece: Buffer) => {
    release(piece);
    request.pause();
  });
  request.pause();
  if (lingering.size > maxLingering) lingering.values().next().value?.();
  ticks ??= setInterval(readPieces, pieceMs).unref();
}

/** Those that are being read, in the order in which they began, with what ends each. */
const lingering = new Map<IncomingMessage, () => void>();
const begun = new WeakSet<IncomingMessage>();
let ticks: NodeJS.Timeout | undefined;

function readPieces(): void {
  for (const request of lingering.keys()) request.resume();
  if (lingering.size > 0) return;
  clearInterval(ticks);
  ticks = undefined;
}

/**
 * Gives memory back that nobody else has. A garbage collection comes only after 64 MiB of it: the collector sees the small
 * objects before such memory, not the memory.
 */
function release({ buffer, length }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === length) buffer.transfer(0);
}
