/** What lies below grpc-js. It has no public way to it, which is one reason why its version is pinned. */
import type { Http2Server, ServerHttp2Stream, ServerOptions as Http2ServerOptions } from 'node:http2';
import type { Readable } from 'node:stream';
import type {
  Metadata,
  Server,
  ServerDuplexStream,
  ServerInterceptingCallInterface,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
} from '@grpc/grpc-js';

/** A call as grpc-js hands it to a handler. */
export type GrpcJsCall =
  | ServerUnaryCall<Buffer, Buffer>
  | ServerReadableStream<Buffer, Buffer>
  | ServerWritableStream<Buffer, Buffer>
  | ServerDuplexStream<Buffer, Buffer>;

/** What brings a call: grpc-js, or a stream that carries it with others. */
export interface BelowCall {
  readonly metadata: Metadata;
  /** The stream that carries the call; absent when the call has a stream of its own. */
  readonly batch?: GrpcJsCall;
  getDeadline(): Date | number;
  getPeer(): string;
  sendMetadata(headers: Metadata): void;
  /** Tells that the caller has gone, or that the deadline has passed. */
  on(event: 'cancelled', listener: () => void): unknown;
}

/** A call as it is below all interceptors, from its headers on. */
export interface CallBelowInterceptors extends ServerInterceptingCallInterface {
  readonly stream: ServerHttp2Stream;
  /** How its messages are compressed; `identity` when it does not say. */
  readonly incomingEncoding: string;
  /** In milliseconds since the epoch; Infinity when it has none. */
  deadline: number;
  /** What a compressed message may become, in bytes. */
  maxReceiveMessageSize: number;
  decoder: MessageFinder;
}

/** Finds messages in what comes. */
export interface MessageFinder {
  /** @returns those that are whole by now */
  write(data: Buffer): Buffer[];
  /** Whether only a part of the last one has come. */
  readonly insideMessage: boolean;
}

/** What the first interceptor is given. @throws Error when grpc-js has changed */
export function callBelowInterceptors(call: ServerInterceptingCallInterface): CallBelowInterceptors {
  const below = call as CallBelowInterceptors;
  for (const key of ['stream', 'incomingEncoding', 'deadline', 'maxReceiveMessageSize', 'decoder'] as const)
    if (below[key] === undefined) throw new Error(`the calls of this grpc-js have no ${key}`);
  return below;
}

/** Sets options of the HTTP/2 servers that a server will make. @throws Error when grpc-js has changed */
export function setHttp2Options(server: Server, options: Http2ServerOptions): void {
  const { commonServerOptions } = server as unknown as { readonly commonServerOptions?: Http2ServerOptions };
  if (commonServerOptions === undefined)
    throw new Error('this grpc-js keeps the options of its HTTP/2 servers elsewhere');
  Object.assign(commonServerOptions, options);
}

/** The HTTP/2 servers of a server that is bound. @throws Error when grpc-js has changed */
export function http2Servers(server: Server): Http2Server[] {
  const { http2Servers: servers } = server as unknown as { readonly http2Servers?: ReadonlyMap<Http2Server, unknown> };
  if (servers === undefined || servers.size === 0) throw new Error('this grpc-js keeps its HTTP/2 servers elsewhere');
  return [...servers.keys()];
}

interface Layer {
  readonly stream?: ServerHttp2Stream;
  readonly decoder?: Partial<MessageFinder>;
  readonly nextCall?: Layer;
}

/** The lowest layer of a call, behind the interceptors, if any. */
function lowest(call: BelowCall): Layer | undefined {
  let { call: layer } = call as unknown as { readonly call?: Layer };
  while (layer !== undefined && layer.stream === undefined) layer = layer.nextCall;
  return layer;
}

/** The HTTP/2 stream of a call. */
export function http2Stream(call: BelowCall): ServerHttp2Stream | undefined {
  return lowest(call)?.stream;
}

/** Whether what was received of a call ends inside a message. @throws Error when its messages are found by another */
export function endsInsideMessage(call: BelowCall): boolean {
  const inside = lowest(call)?.decoder?.insideMessage;
  if (inside === undefined) throw new Error('the messages of this call are not found by a MessageFinder');
  return inside;
}

/**
 * Lets the stream of a call's responses hold one message. It would ask for sixteen, whatever their size, and keep them
 * while its reader has stopped. @throws Error when Node has changed
 */
export function holdLittle(call: Readable): void {
  const { _readableState: state } = call as unknown as { readonly _readableState?: { highWaterMark?: number } };
  if (state?.highWaterMark === undefined) throw new Error('this Node keeps the state of its streams elsewhere');
  state.highWaterMark = 1;
}
