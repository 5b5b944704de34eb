import type { Http2Session } from 'node:http2';
import type { ServerDuplexStream, ServerReadableStream } from '@grpc/grpc-js';
import { http2Stream } from '../internals/http2-streams.ts';

/** A call of grpc-js whose requests are a stream. */
export type Reading = ServerReadableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;

/**
 * Whether a request stream whose end has been read was half-closed, rather than cancelled.
 *
 * Node's HTTP/2 client ends a stream before it resets it (lib/internal/http2/core.js, closeStream), so that a cancelled
 * upload first looks finished. Its reset follows at once: when the answer to a ping is there, the reset is too. Other
 * clients send the reset alone, and are taken at their word.
 */
export async function wasHalfClosed(call: Reading): Promise<boolean> {
  const stream = http2Stream(call);
  const session = stream?.session;
  if (session !== undefined && String(call.metadata.get('user-agent')[0]).includes('grpc-node-js'))
    await roundTrip(session);
  return !call.cancelled && stream?.closed !== true && stream?.destroyed !== true;
}

interface Pings {
  outstanding: Promise<void>;
  waiting: Promise<void> | undefined;
}

const pings = new WeakMap<Http2Session, Pings>();

/** Settles once the peer has answered a ping that was sent after this call. Calls that come meanwhile share the next ping. */
function roundTrip(session: Http2Session): Promise<void> {
  const state = pings.get(session) ?? { outstanding: Promise.resolve(), waiting: undefined };
  pings.set(session, state);
  state.waiting ??= state.outstanding.then(() => {
    state.waiting = undefined;
    state.outstanding = ping(session);
    return state.outstanding;
  });
  return state.waiting;
}

function ping(session: Http2Session): Promise<void> {
  return new Promise((resolve) => {
    // A session that is closed has no stream that could complete.
    if (session.destroyed || !session.ping(() => resolve())) resolve();
  });
}
