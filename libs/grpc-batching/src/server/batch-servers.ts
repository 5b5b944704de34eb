import type { ServerHttp2Session } from 'node:http2';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { readContract } from '@rollcall/contract';
import { image } from '../gen/batching.ts';
import { BatchServer, type BatchHost, type ConnectionLoad, type BatchServerLimits } from './batch-server.ts';
import { http2Stream, type RpcError, type PluginStreams, type ServerPlugin } from '@rollcall/grpc';
import { maxFrameBytes } from '../wire/frames.ts';
import { batchPath } from '../wire/method.ts';

const batchingContract = readContract(Buffer.from(image, 'base64'));

/** More than callers make use of by themselves: what they have cancelled may still be under way here. */
const defaultLimits: BatchServerLimits = {
  maxCalls: 4000,
  maxBytes: 16 * 1024 * 1024,
  maxVainCalls: 1000,
};

/** Takes unary calls that callers put into messages of a stream (docs/batched-calls.md), within these bounds. */
export function batchServer(limits: Partial<BatchServerLimits> = {}): ServerPlugin {
  const batchLimits = { ...defaultLimits, ...limits };
  return {
    path: batchPath,
    contract: batchingContract,
    maxMessageBytes: maxFrameBytes,
    attach: (host) => new BatchServers({ ...host, batchLimits }),
  };
}

/** The streams of a server that carry calls: they are told when the server, or their connection, takes leave. */
class BatchServers implements PluginStreams {
  readonly #host: BatchHost;
  readonly #servers = new Set<BatchServer>();
  readonly #loads = new WeakMap<object, ConnectionLoad>();
  #draining = false;

  constructor(host: BatchHost) {
    this.#host = host;
  }

  serve(stream: ServerDuplexStream<Buffer, Buffer>): void {
    const server = new BatchServer(stream, this.#host, this.#loadOf(stream), () => this.#servers.delete(server));
    this.#servers.add(server);
    if (this.#draining) server.drain();
  }

  #loadOf(stream: ServerDuplexStream<Buffer, Buffer>): ConnectionLoad {
    const connection = http2Stream(stream)?.session ?? stream;
    let load = this.#loads.get(connection);
    if (load === undefined) this.#loads.set(connection, (load = { calls: 0 }));
    return load;
  }

  drain(): void {
    this.#draining = true;
    for (const server of this.#servers) server.drain();
  }

  end(error: RpcError): void {
    for (const server of this.#servers) server.end(error);
  }

  /** Looks for streams without a call for too long, and for those whose connection has become too old. */
  endWhatIsDue(now: number): void {
    const { maxConnectionIdleMs } = this.#host.limits;
    for (const server of this.#servers) {
      const session = http2Stream(server.stream)?.session as ServerHttp2Session | undefined;
      if (session?.closed === true || server.idleMs(now) >= maxConnectionIdleMs) server.drain();
      server.endWhatIsDue(now);
    }
  }
}
