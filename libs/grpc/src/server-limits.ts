import { type ServerOptions, status as Status } from '@grpc/grpc-js';
import { maxFrameBytes } from './packed-frames.ts';
import { RpcError } from './rpc-error.ts';

/** What a server takes before it says RESOURCE_EXHAUSTED or DEADLINE_EXCEEDED. Sizes are in bytes, times in milliseconds. */
export interface ServerLimits {
  /** The largest request message. */
  readonly maxMessageBytes: number;
  /** The largest request message of single methods, by path, where it differs. */
  readonly maxMessageBytesOf: Readonly<Record<string, number>>;
  /**
   * All keys and values of a call's metadata together, those that gRPC adds among them. Up to 128 fields, 64 KiB in one
   * field and some 140 KiB in all, more than this is answered. Beyond that the call does not reach the server: of more
   * fields, Node resets the call, which is RESOURCE_EXHAUSTED too; of larger ones nghttp2, whose limits are fixed, ends
   * the connection. GrpcChannel does not send such calls.
   */
  readonly maxMetadataBytes: number;
  /** Calls at a time on one connection. Further ones are refused, and told to come back in a second. */
  readonly maxCallsPerConnection: number;
  /** What may wait for one slow reader when the source of a stream does not heed demand. The stream then ends. */
  readonly maxUnsentBytes: number;
  /** The deadline of a unary call that has none. */
  readonly defaultDeadlineMs: number;
  /** The longest deadline of a unary call; a later one is brought forward. */
  readonly maxDeadlineMs: number;
  /** How long a stream may go without a message in either direction, and with what its reader does not take once it is over. */
  readonly streamIdleMs: number;
  /** How long a stream that the server ends may take to send what waits and its status. It is then reset. */
  readonly lastWordMs: number;
  /** How long a connection may go without a call. */
  readonly maxConnectionIdleMs: number;
  /** How long a connection may last, give or take a tenth, before the caller is asked to make another one. */
  readonly maxConnectionAgeMs: number;
  /** How long calls may go on after that. */
  readonly maxConnectionAgeGraceMs: number;
  /** How long a connection may be silent before it is pinged. */
  readonly keepaliveTimeMs: number;
  /** How long the answer to that ping may take. */
  readonly keepaliveTimeoutMs: number;
}

/** The limits of a server that is told nothing else. */
export const defaultLimits: ServerLimits = {
  maxMessageBytes: 4 * 1024 * 1024,
  maxMessageBytesOf: {},
  maxMetadataBytes: 16 * 1024,
  maxCallsPerConnection: 10_000,
  maxUnsentBytes: 4 * 1024 * 1024,
  defaultDeadlineMs: 30_000,
  maxDeadlineMs: 600_000,
  streamIdleMs: 3_600_000,
  lastWordMs: 5000,
  maxConnectionIdleMs: 600_000,
  maxConnectionAgeMs: 3_600_000,
  maxConnectionAgeGraceMs: 600_000,
  keepaliveTimeMs: 60_000,
  keepaliveTimeoutMs: 10_000,
};

/** How many calls beyond the limit a connection may bring at a time. Each is refused at once; the rest wait at the caller. */
const refusedAtATime = 100;

/** The limits that grpc-js keeps by itself. */
export function channelOptionsOf(limits: ServerLimits, packedCalls = false): ServerOptions {
  return {
    'grpc.max_receive_message_length': Math.max(
      limits.maxMessageBytes,
      ...Object.values(limits.maxMessageBytesOf),
      packedCalls ? maxFrameBytes : 0,
    ),
    // Those beyond the limit have to come in, to be refused.
    'grpc.max_concurrent_streams': limits.maxCallsPerConnection + refusedAtATime,
    'grpc.max_connection_age_ms': limits.maxConnectionAgeMs,
    'grpc.max_connection_age_grace_ms': limits.maxConnectionAgeGraceMs,
    'grpc.keepalive_time_ms': limits.keepaliveTimeMs,
    'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
    // Its bookkeeping costs every call something, and nothing here serves it.
    'grpc.enable_channelz': 0,
  };
}

/** @throws RpcError RESOURCE_EXHAUSTED when a request is larger than its method allows */
export function checkMessage(bytes: Buffer, path: string, limits: ServerLimits): void {
  const most = limits.maxMessageBytesOf[path] ?? limits.maxMessageBytes;
  if (bytes.length > most) {
    throw new RpcError(
      Status.RESOURCE_EXHAUSTED,
      'REQUEST_TOO_LARGE',
      `The request is ${bytes.length} bytes large, of at most ${most}.`,
    );
  }
}

/** When a unary call ends at the latest, in milliseconds since the epoch. */
export function effectiveDeadline(asked: number, { defaultDeadlineMs, maxDeadlineMs }: ServerLimits): number {
  const now = Date.now();
  return Math.min(asked === Infinity ? now + defaultDeadlineMs : asked, now + maxDeadlineMs);
}
