import { Metadata, type ServerOptions, status as Status } from '@grpc/grpc-js';
import { RpcError } from './rpc-error.ts';

/** What a server takes before it says RESOURCE_EXHAUSTED or DEADLINE_EXCEEDED. Sizes are in bytes, times in milliseconds. */
export interface ServerLimits {
  /** The largest request message. */
  readonly maxMessageBytes: number;
  /** The largest request message of single methods, by path, where it differs. */
  readonly maxMessageBytesOf: Readonly<Record<string, number>>;
  /** All keys and values of a call's metadata together. Beyond 64 KiB Node itself resets the call. */
  readonly maxMetadataBytes: number;
  /** Calls at a time on one connection; further ones wait at the caller. */
  readonly maxCallsPerConnection: number;
  /** What may wait for one slow reader when the source of a stream does not heed demand. The stream then ends. */
  readonly maxUnsentBytes: number;
  /** The deadline of a unary call that has none. */
  readonly defaultDeadlineMs: number;
  /** The longest deadline of a unary call; a later one is brought forward. */
  readonly maxDeadlineMs: number;
  /** How long a stream may go without a message in either direction. */
  readonly streamIdleMs: number;
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
  maxCallsPerConnection: 1000,
  maxUnsentBytes: 4 * 1024 * 1024,
  defaultDeadlineMs: 30_000,
  maxDeadlineMs: 600_000,
  streamIdleMs: 3_600_000,
  maxConnectionIdleMs: 600_000,
  maxConnectionAgeMs: 3_600_000,
  maxConnectionAgeGraceMs: 600_000,
  keepaliveTimeMs: 60_000,
  keepaliveTimeoutMs: 10_000,
};

/** The limits that grpc-js keeps by itself. */
export function channelOptionsOf(limits: ServerLimits): ServerOptions {
  return {
    'grpc.max_receive_message_length': Math.max(limits.maxMessageBytes, ...Object.values(limits.maxMessageBytesOf)),
    'grpc.max_concurrent_streams': limits.maxCallsPerConnection,
    'grpc.max_connection_idle_ms': limits.maxConnectionIdleMs,
    'grpc.max_connection_age_ms': limits.maxConnectionAgeMs,
    'grpc.max_connection_age_grace_ms': limits.maxConnectionAgeGraceMs,
    'grpc.keepalive_time_ms': limits.keepaliveTimeMs,
    'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
  };
}

/** @throws RpcError RESOURCE_EXHAUSTED when the metadata is larger than the limit */
export function checkMetadata(metadata: Metadata, { maxMetadataBytes }: ServerLimits): void {
  let bytes = 0;
  // What Metadata offers in public copies all of it, for every call.
  const { internalRepr } = metadata as unknown as { readonly internalRepr: ReadonlyMap<string, (string | Buffer)[]> };
  for (const [key, values] of internalRepr) for (const value of values) bytes += key.length + value.length;
  if (bytes > maxMetadataBytes) {
    throw new RpcError(
      Status.RESOURCE_EXHAUSTED,
      'REQUEST_TOO_LARGE',
      `The metadata is ${bytes} bytes large, of at most ${maxMetadataBytes}.`,
    );
  }
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
  return asked === Infinity ? now + defaultDeadlineMs : Math.min(asked, now + maxDeadlineMs);
}
