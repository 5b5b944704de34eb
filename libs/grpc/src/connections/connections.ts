import {
  constants,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Admission } from '../security/admission.ts';
import { CallTurns } from './call-turns.ts';
import { metadataTooLarge, tooManyCalls, tooManyFields, tooManyOpenCalls } from '../status/call-errors.ts';
import { statusOf } from '../status/error-status.ts';
import { Handshakes } from './handshakes.ts';
import type { Load } from './load.ts';
import { answerToNoCall } from './request-headers.ts';
import { RpcError } from '../status/rpc-error.ts';
import type { ServerLimits } from './limits.ts';
import { Sockets } from './sockets.ts';

/** One connection. */
interface Connection {
  /** Why its calls are refused. */
  readonly refusal: RpcError | undefined;
  readonly load: Load;
  /** Its calls under way. */
  calls: number;
  /** Since when it has none, in milliseconds since the epoch. */
  idleSince: number;
  /** Whether its peer has said what HTTP/2 begins with. */
  begun: boolean;
  readonly onCallClosed: (this: ServerHttp2Stream) => void;
  readonly onOpenCallClosed: () => void;
}

interface ConnectionsOptions {
  readonly limits: ServerLimits;
  /** Whose reasons errors have. */
  readonly errorDomain: string;
  /** Decides who may connect. */
  readonly admission: Admission | undefined;
  /** Tells what addresses count as one. */
  readonly addressKey: (address: string) => string;
  /** The paths of the server's own methods that anybody may call. */
  readonly openPaths: ReadonlySet<string>;
  /** Called when the stream of a call is closed. */
  readonly onClosed: (stream: ServerHttp2Stream) => void;
}

type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, rawHeaders: string[]) => void;

/**
 * The connections of a server. Their limits hold before grpc-js learns of a call: a call beyond them is answered by its
 * headers alone, and nothing of it is read.
 */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #sockets: Sockets;
  readonly #handshakes = new Handshakes();
  readonly #turns = new CallTurns();
  readonly #open = new Map<ServerHttp2Session, Connection>();
  readonly #gone = new Set<() => void>();

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    this.#sockets = new Sockets(options.limits, options.addressKey);
  }

  /** Stands between an HTTP/2 server and those who listen to its connections and calls. */
  guard(server: Http2Server): void {
    this.#handshakes.watch(server);
    this.#sockets.guard(server, (load) => this.#closeIdlest(load));
    const listeners = server.listeners('stream') as OnStream[];
    server.removeAllListeners('stream');
    server.on('session', (session) => this.#connection(session));
    const begin: OnStream = (stream, headers, flags, rawHeaders) => {
      const refusal = this.#admit(stream, headers, rawHeaders);
      if (refusal !== undefined) refuse(stream, refusal, this.#options.errorDomain);
      else for (const listener of listeners) listener.call(server, stream, headers, flags, rawHeaders);
    };
    const onStream: OnStream = (stream, headers, flags, rawHeaders) =>
      this.#turns.begin(stream, () => begin(stream, headers, flags, rawHeaders));
    server.on('stream', onStream as never);
  }

  /** What the connection of a call has under way. */
  loadOf(stream: ServerHttp2Stream): Load {
    return this.#connection(stream.session as ServerHttp2Session).load;
  }

  /** Closes the connections that have had no call for too long. */
  closeIdle(now: number): void {
    const { maxConnectionIdleMs, connectionBeginMs } = this.#options.limits;
    for (const [session, { calls, idleSince, begun }] of this.#open) {
      if (calls > 0) continue;
      // One that was closed before has a call whose headers have begun, and do not end.
      if (now - idleSince >= maxConnectionIdleMs) session[session.closed ? 'destroy' : 'close']();
      else if (!begun && now - idleSince >= connectionBeginMs) session.destroy();
    }
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
      const { admission, onClosed } = this.#options;
      const opened: Connection = {
        refusal: admission?.(session),
        load: this.#sockets.loadOf(session.socket?.remoteAddress),
        calls: 0,
        idleSince: Date.now(),
        begun: false,
        onCallClosed() {
          onClosed(this);
          if (--opened.calls === 0) opened.idleSince = Date.now();
        },
        onOpenCallClosed: () => opened.load.give('openCalls'),
      };
      session.once('remoteSettings', () => (opened.begun = true));
      session.once('close', () => {
        this.#open.delete(session);
        if (this.#open.size === 0) for (const resolve of this.#gone) resolve();
      });
      this.#open.set(session, (connection = opened));
    }
    return connection;
  }

  /** Makes room for a connection. @param load what the room is wanted of @returns false when all of them have calls */
  #closeIdlest(load: Load): boolean {
    // Those that have not shaken hands come first: nobody who is served loses a connection to them.
    if (this.#handshakes.cutOldest(({ remoteAddress }) => this.#sockets.isWithin(remoteAddress, load))) return true;
    for (const [session, connection] of this.#open) {
      if (connection.calls > 0 || session.destroyed || !connection.load.within(load)) continue;
      session.destroy();
      return true;
    }
    return false;
  }

  /** @returns why a call cannot be taken, or what it is answered; undefined when it can be taken */
  #admit(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    rawHeaders: readonly string[],
  ): RpcError | OutgoingHttpHeaders | undefined {
    const { maxCallsPerConnection, maxMetadataBytes, maxMetadataFields } = this.#options.limits;
    if (stream.session === undefined) return undefined; // it has gone already
    const connection = this.#connection(stream.session as ServerHttp2Session);
    connection.calls += 1;
    stream.on('close', connection.onCallClosed);
    if (connection.refusal !== undefined) return connection.refusal;
    if (connection.calls > maxCallsPerConnection) return tooManyCalls(maxCallsPerConnection);
    const answer = answerToNoCall(headers);
    if (answer !== undefined) return answer;
    const bytes = metadataBytes(rawHeaders);
    if (bytes > maxMetadataBytes) return metadataTooLarge(bytes, maxMetadataBytes);
    const fields = rawHeaders.length / 2 - fieldsOfHttp2;
    if (fields > maxMetadataFields) return tooManyFields(fields, maxMetadataFields);
    if (!this.#options.openPaths.has(headers[':path'] ?? '')) return undefined;
    if (!connection.load.take('openCalls')) return tooManyOpenCalls();
    stream.on('close', connection.onOpenCallClosed);
    return undefined;
  }
}

/** `:method`, `:scheme`, `:authority` and `:path`. */
const fieldsOfHttp2 = 4;

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
function refuse(stream: ServerHttp2Stream, refusal: RpcError | OutgoingHttpHeaders, errorDomain: string): void {
  stream.on('error', () => undefined); // a caller that is gone already has no use for the answer
  stream.respond(refusal instanceof RpcError ? statusHeaders(refusal, errorDomain) : refusal, { endStream: true });
  stream.close(constants.NGHTTP2_NO_ERROR);
}

function statusHeaders(error: RpcError, errorDomain: string): OutgoingHttpHeaders {
  const { code, details, metadata } = statusOf(error, errorDomain);
  return {
    ':status': 200,
    'content-type': 'application/grpc+proto',
    'grpc-status': code,
    'grpc-message': encodeURI(details),
    ...metadata.toHttp2Headers(),
  };
}
