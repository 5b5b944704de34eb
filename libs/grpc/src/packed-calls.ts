import type { ServerHttp2Session } from 'node:http2';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Authorize, IncomingCall } from './authorization.ts';
import { Carrier } from './carrier.ts';
import { http2Stream } from './http2-below.ts';
import type { RpcError } from './rpc-error.ts';
import type { ServedMethod } from './served-method.ts';
import type { CallHost } from './server-call.ts';

/** What one stream may have under way. Calls beyond it are answered RESOURCE_EXHAUSTED. */
export interface PackedCallLimits {
  /** Calls; 4,000 by default. */
  readonly maxCalls: number;
  /** The requests of these calls with their metadata, in bytes; 16 MiB by default. */
  readonly maxBytes: number;
  /**
   * Calls one after the other of which none needed a right that its caller had: those that were refused, and those that
   * anybody may make; 1,000 by default. The stream then ends. At half of it its caller is asked to open another one.
   */
  readonly maxVainCalls: number;
}

/** More than callers make use of by themselves: what they have cancelled may still be under way here. */
export const defaultPackedCallLimits: PackedCallLimits = {
  maxCalls: 4000,
  maxBytes: 16 * 1024 * 1024,
  maxVainCalls: 1000,
};

/** What the streams that carry calls share. */
export interface CarrierHost extends CallHost {
  readonly packedCallLimits: PackedCallLimits;
  readonly authorize: Authorize | undefined;
  /** Finds a unary method by its path. */
  served(path: string): ServedMethod | undefined;
  /** What the caller hears when asking for a call has failed. */
  unauthorizable(error: unknown, call: IncomingCall): RpcError;
}

/** What the streams of one connection have under way together. */
export interface ConnectionLoad {
  calls: number;
}

/** The streams of a server that carry calls: they are told when the server, or their connection, takes leave. */
export class PackedCalls {
  readonly #host: CarrierHost;
  readonly #carriers = new Set<Carrier>();
  readonly #loads = new WeakMap<object, ConnectionLoad>();
  #draining = false;

  constructor(host: CarrierHost) {
    this.#host = host;
  }

  /** Takes a stream. */
  carry(stream: ServerDuplexStream<Buffer, Buffer>): void {
    const carrier = new Carrier(stream, this.#host, this.#loadOf(stream), () => this.#carriers.delete(carrier));
    this.#carriers.add(carrier);
    if (this.#draining) carrier.drain();
  }

  #loadOf(stream: ServerDuplexStream<Buffer, Buffer>): ConnectionLoad {
    const connection = http2Stream(stream)?.session ?? stream;
    let load = this.#loads.get(connection);
    if (load === undefined) this.#loads.set(connection, (load = { calls: 0 }));
    return load;
  }

  /** Asks all callers to go elsewhere with new calls. */
  drain(): void {
    this.#draining = true;
    for (const carrier of this.#carriers) carrier.drain();
  }

  /** Ends all streams. */
  end(error: RpcError): void {
    for (const carrier of this.#carriers) carrier.end(error);
  }

  /** Looks for streams without a call for too long, and for those whose connection has become too old. */
  endWhatIsDue(now: number): void {
    const { maxConnectionIdleMs } = this.#host.limits;
    for (const carrier of this.#carriers) {
      const session = http2Stream(carrier.stream)?.session as ServerHttp2Session | undefined;
      if (session?.closed === true || carrier.idleMs(now) >= maxConnectionIdleMs) carrier.drain();
      carrier.endWhatIsDue(now);
    }
  }
}
