import type { ServerHttp2Session } from 'node:http2';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { rollcallContract } from '@rollcall/proto';
import { Carrier, type CarrierHost, type ConnectionLoad, type PackedCallLimits } from './batch-server.ts';
import { http2Stream, type RpcError, type PluginStreams, type ServerPlugin } from '@rollcall/grpc';
import { maxFrameBytes } from '../wire/frames.ts';
import { carryPath } from '../wire/method.ts';

/** More than callers make use of by themselves: what they have cancelled may still be under way here. */
const defaultLimits: PackedCallLimits = {
  maxCalls: 4000,
  maxBytes: 16 * 1024 * 1024,
  maxVainCalls: 1000,
};

/** Takes unary calls that callers put into messages of a stream (docs/packed-calls.md), within these bounds. */
export function batchServer(limits: Partial<PackedCallLimits> = {}): ServerPlugin {
  const packedCallLimits = { ...defaultLimits, ...limits };
  return {
    path: carryPath,
    contract: rollcallContract,
    maxMessageBytes: maxFrameBytes,
    attach: (host) => new PackedCalls({ ...host, packedCallLimits }),
  };
}

/** The streams of a server that carry calls: they are told when the server, or their connection, takes leave. */
class PackedCalls implements PluginStreams {
  readonly #host: CarrierHost;
  readonly #carriers = new Set<Carrier>();
  readonly #loads = new WeakMap<object, ConnectionLoad>();
  #draining = false;

  constructor(host: CarrierHost) {
    this.#host = host;
  }

  serve(stream: ServerDuplexStream<Buffer, Buffer>): void {
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

  drain(): void {
    this.#draining = true;
    for (const carrier of this.#carriers) carrier.drain();
  }

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
