import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import type { Target } from './attack.ts';

/** Does something on a connection to each of the two services in turn, which is closed behind it or at the signal. */
export async function onConnection(
  { host, userPort, chatPort }: Target,
  signal: AbortSignal,
  attack: (session: ClientHttp2Session) => Promise<void>,
): Promise<void> {
  turn += 1;
  const session = connect(`http://${host}:${turn % 2 === 0 ? userPort : chatPort}`);
  session.on('error', () => undefined); // it is closed by those who are attacked
  const leave = (): void => session.destroy();
  signal.addEventListener('abort', leave);
  try {
    await once(session, 'connect', { signal });
    await Promise.race([attack(session), new Promise((resolve) => session.once('close', resolve))]);
  } finally {
    signal.removeEventListener('abort', leave);
    session.destroy();
  }
}

let turn = 0;

/** Begins a call, without a credential. */
export function beginCall(session: ClientHttp2Session, path: string): ClientHttp2Stream {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.on('error', () => undefined); // it is refused by those who are attacked
  return stream.resume();
}

/** What precedes a message of so many bytes. */
export function head(bytes: number): Buffer {
  const buffer = Buffer.alloc(5);
  buffer.writeUInt32BE(bytes, 1);
  return buffer;
}

/** Waits for the end of a call, however it ends. */
export async function ended(stream: ClientHttp2Stream): Promise<void> {
  if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve));
}
