import {
  constants,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Admission } from './admission.ts';
import { metadataTooLarge, tooManyCalls } from './call-ends.ts';
import { statusOf } from './error-status.ts';
import { Handshakes } from './handshakes.ts';
import type { RpcError } from './rpc-error.ts';
import type { ServerLimits } from './server-limits.ts';

/** One connection: its calls under way, since when it has none, in milliseconds since the epoch, and why they are refused. */
interface Connection {
  readonly refusal: RpcError | undefined;
  calls: number;
  idleSince: number;
  readonly onCallClosed: () => void;
}

type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, rawHeaders: string[]) => void;

/**
 * The connections of a server. Their limits hold before grpc-js learns of a call: a call beyond them is answered by its
 * headers alone, and nothing of it is read.
 */
export class Connections {
  readonly #limits: ServerLimits;
  readonly #admission: Admission;
  readonly #handshakes = new Handshakes();
  readonly #open = new Map<ServerHttp2Session, Connection>();
  readonly #gone = new Set<() => void>();

  constructor(limits: ServerLimits, admission: Admission = () => undefined) {
    this.#limits = limits;
    this.#admission = admission;
  }

  /** Stands between an HTTP/2 server and those who listen to its calls. */
  guard(server: Http2Server): void {
    const listeners = server.listeners('stream') as OnStream[];
    server.removeAllListeners('stream');
    this.#handshakes.watch(server);
    server.on('session', (session) => this.#connection(session));
    const onStream: OnStream = (stream, headers, flags, rawHeaders) => {
      const refusal = this.#admit(stream, rawHeaders);
      if (refusal !== undefined) refuse(stream, refusal);
      else for (const listener of listeners) listener.call(server, stream, headers, flags, rawHeaders);
    };
    server.on('stream', onStream as never);
  }

  /** Closes the connections that have had no call for too long. */
  closeIdle(now: number): void {
    const { maxConnectionIdleMs } = this.#limits;
    for (const [session, { calls, idleSince }] of this.#open)
      if (calls === 0 && now - idleSince >= maxConnectionIdleMs) session.close();
  }

  /** Settles when there is no connection. */
  gone(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#gone.add(resolve));
  }

  /** Cuts all connections. */
  destroy(): void {
    for (const session of this.#open.keys()) session.destroy(undefined, constants.NGHTTP2_CANCEL);
    this.#handshakes.cutOff();
  }

  #connection(session: ServerHttp2Session): Connection {
    let connection = this.#open.get(session);
    if (connection === undefined) {
      const opened: Connection = {
        refusal: this.#admission(session),
        calls: 0,
        idleSince: Date.now(),
        onCallClosed: () => {
          if (--opened.calls === 0) opened.idleSince = Date.now();
        },
      };
      session.once('close', () => {
        this.#open.delete(session);
        if (this.#open.size === 0) for (const resolve of this.#gone) resolve();
      });
      this.#open.set(session, (connection = opened));
    }
    return connection;
  }

  /** @returns why a call cannot be taken; undefined when it can */
  #admit(stream: ServerHttp2Stream, rawHeaders: readonly string[]): RpcError | undefined {
    const { maxCallsPerConnection, maxMetadataBytes } = this.#limits;
    if (stream.session === undefined) return undefined; // it has gone already
    const connection = this.#connection(stream.session as ServerHttp2Session);
    connection.calls += 1;
    stream.on('close', connection.onCallClosed);
    if (connection.refusal !== undefined) return connection.refusal;
    if (connection.calls > maxCallsPerConnection) return tooManyCalls(maxCallsPerConnection);
    const bytes = metadataBytes(rawHeaders);
    return bytes > maxMetadataBytes ? metadataTooLarge(bytes, maxMetadataBytes) : undefined;
  }
}

/** The size of a call's metadata: keys and values together, without those of HTTP/2 itself, which begin with a colon. */
function metadataBytes(rawHeaders: readonly string[]): number {
  let bytes = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const key = rawHeaders[at] ?? '';
    if (!key.startsWith(':')) bytes += key.length + (rawHeaders[at + 1]?.length ?? 0);
  }
  return bytes;
}

/** Answers with a status alone, and lets go of whatever is still being sent. */
function refuse(stream: ServerHttp2Stream, error: RpcError): void {
  const { code, details, metadata } = statusOf(error);
  const headers: OutgoingHttpHeaders = {
    ':status': 200,
    'content-type': 'application/grpc+proto',
    'grpc-status': code,
    'grpc-message': encodeURI(details),
    ...metadata.toHttp2Headers(),
  };
  stream.on('error', () => undefined); // a caller that is gone already has no use for the answer
  stream.respond(headers, { endStream: true });
  stream.close(constants.NGHTTP2_NO_ERROR);
}
