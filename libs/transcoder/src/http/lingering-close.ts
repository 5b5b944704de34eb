import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { finished } from 'node:stream';

/** How long, in milliseconds, a caller may go on sending what nobody wants. */
export const lingerMs = 2000;

/** How many callers may do that at a time; beyond it the one that began first is cut off. */
export const maxLingering = 32;

/** Whether a request came by `app.inject()`: nobody is at its other end, and nothing of it is on its way. */
export function isInjected({ socket }: IncomingMessage): boolean {
  return !(socket instanceof Socket);
}

/** How many bytes are read from all of them together in a moment, and how long that is, in milliseconds. */
export const bytesPerMoment = 512 * 1024;
export const momentMs = 10;

/**
 * Reads what is left of a request that is answered already and throws it away: many a caller looks for its answer only when
 * all is sent, and would see a reset instead if the connection were closed at once. Such bytes cost memory and time until
 * they are thrown away, so their rate has a bound for the process, and callers are slowed down by TCP. Those who see their
 * answer at once close the connection before anything more is read. A request for which that was done before is left alone.
 *
 * @param end closes the connection; called once, when all is read, the time is over, or too many do the same
 */
export function linger(request: IncomingMessage, end: () => void): void {
  if (begun.has(request)) return;
  begun.add(request);
  const stop = (): void => {
    if (!lingering.delete(request)) return;
    waiting.delete(request);
    clearTimeout(timer);
    request.socket.off('close', stop);
    end();
  };
  const timer = setTimeout(stop, lingerMs);
  lingering.set(request, stop);
  finished(request, stop);
  request.socket.once('close', stop); // a request that was answered is not told of it
  for (let piece = request.read() as Buffer | null; piece !== null; piece = request.read() as Buffer | null)
    release(piece);
  request.on('data', (piece: Buffer) => {
    left -= piece.length;
    release(piece);
    if (left <= 0) wait(request);
  });
  wait(request);
  if (lingering.size > maxLingering) lingering.values().next().value?.();
  moments ??= setInterval(nextMoment, momentMs).unref();
}

/**
 * Answers a request whose body is still on its way, and closes the connection when what is left of that was read.
 *
 * @param head headers beside those of the length and the connection
 */
export function answerBesideUpload(
  response: ServerResponse,
  status: number,
  head: OutgoingHttpHeaders,
  body: Buffer,
): void {
  response.writeHead(status, { ...head, 'content-length': body.length, connection: 'close' });
  response.write(body);
  linger(response.req, () => response.end());
}

/** Those that are being read, in the order in which they began, with what ends each. */
const lingering = new Map<IncomingMessage, () => void>();
const waiting = new Set<IncomingMessage>();
const begun = new WeakSet<IncomingMessage>();
let left = bytesPerMoment;
let moments: NodeJS.Timeout | undefined;

function wait(request: IncomingMessage): void {
  request.pause();
  waiting.add(request);
}

function nextMoment(): void {
  left = Math.min(bytesPerMoment, left + bytesPerMoment);
  if (left > 0) {
    for (const request of waiting) request.resume();
    waiting.clear();
  }
  if (lingering.size > 0) return;
  clearInterval(moments);
  moments = undefined;
}

/**
 * Gives memory back that nobody else has. A garbage collection comes only after 64 MiB of it: the collector sees the small
 * objects before such memory, not the memory.
 */
function release({ buffer, length }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === length) buffer.transfer(0);
}
