import type { ServerOptions } from '@grpc/grpc-js';
import { largestMessage, type Method } from '@rollcall/contract';
import { requestTooLarge } from '../status/call-errors.ts';

/** What a server takes before it says RESOURCE_EXHAUSTED or DEADLINE_EXCEEDED. Sizes are in bytes, times in milliseconds. */
export interface ServerLimits {
  /** The largest request message. */
  readonly maxMessageBytes: number;
  /** The largest request message of single methods, by path, where it differs. */
  readonly maxMessageBytesOf: Readonly<Record<string, number>>;
  /**
   * All keys and values of a call's metadata together, those that gRPC adds among them. Up to 64 KiB in one field and some
   * 140 KiB in all, more than this is answered. Beyond that the call does not reach the server: nghttp2, whose limits are
   * fixed, ends the connection. GrpcChannel does not send such calls.
   */
  readonly maxMetadataBytes: number;
  /** The fields of a call's metadata. Of more than four times as many, Node resets the call, which is RESOURCE_EXHAUSTED too. */
  readonly maxMetadataFields: number;
  /** Calls at a time on one connection. Further ones are refused, and told to come back in a second. */
  readonly maxCallsPerConnection: number;
  /** Connections at a time, with those whose handshake is under way. Of further ones, one without a call makes room, or none. */
  readonly maxConnections: number;
  /** Those of one address. */
  readonly maxConnectionsPerAddress: number;
  /** How long a new connection may take until its peer has said what HTTP/2 begins with. */
  readonly connectionBeginMs: number;
  /**
   * What messages hold at a time that have begun and not come to their end. Beyond it, the calls end of those that began
   * first. One message always has room.
   */
  readonly maxUnfinishedBytes: number;
  /** That of one address. */
  readonly maxUnfinishedBytesPerAddress: number;
  /** That of one connection. */
  readonly maxUnfinishedBytesPerConnection: number;
  /** Health checks, and streams that carry calls, at a time: anybody may make them, and none of them need end. */
  readonly maxOpenCalls: number;
  /** Those of one address. */
  readonly maxOpenCallsPerAddress: number;
  /** Those of one connection. */
  readonly maxOpenCallsPerConnection: number;
  /** What may wait for one slow reader when the source of a stream does not heed demand. The stream then ends. */
  readonly maxUnsentBytes: number;
  /** The deadline of a unary call that has none. */
  readonly defaultDeadlineMs: number;
  /** The longest deadline of a unary call; a later one is brought forward. */
  readonly maxDeadlineMs: number;
  /** How long a stream may go without a message in either direction, and with what its reader does not take once it is over. */
  readonly streamIdleMs: number;
  /** How long a stream that the server ends may take to send what waits and its status. It is then reset. */
  readonly resetGraceMs: number;
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
  maxMetadataFields: 512,
  maxCallsPerConnection: 10_000,
  maxConnections: 4096,
  maxConnectionsPerAddress: 1024,
  connectionBeginMs: 10_000,
  maxUnfinishedBytes: 64 * 1024 * 1024,
  maxUnfinishedBytesPerAddress: 32 * 1024 * 1024,
  maxUnfinishedBytesPerConnection: 16 * 1024 * 1024,
  maxOpenCalls: 4096,
  maxOpenCallsPerAddress: 512,
  maxOpenCallsPerConnection: 32,
  maxUnsentBytes: 4 * 1024 * 1024,
  defaultDeadlineMs: 30_000,
  maxDeadlineMs: 600_000,
  streamIdleMs: 3_600_000,
  resetGraceMs: 5000,
  maxConnectionIdleMs: 600_000,
  maxConnectionAgeMs: 3_600_000,
  maxConnectionAgeGraceMs: 600_000,
  keepaliveTimeMs: 60_000,
  keepaliveTimeoutMs: 10_000,
};

/** How many calls beyond the limit a connection may bring at a time. Each is refused at once; the rest wait at the caller. */
const refusedAtATime = 100;

/** The limits that grpc-js keeps by itself. */
export function channelOptionsOf(limits: ServerLimits, pluginMessageBytes: readonly number[]): ServerOptions {
  return {
    'grpc.max_receive_message_length': Math.max(
      limits.maxMessageBytes,
      ...Object.values(limits.maxMessageBytesOf),
      ...pluginMessageBytes,
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

/** How many fields of metadata reach the server, to be refused beyond its limit. */
export function fieldsRead({ maxMetadataFields }: ServerLimits): number {
  return 4 * maxMetadataFields;
}

/** Says whether anybody may call a method, without any right. */
export type IsOpenToAll = (method: Method) => boolean;

/** The largest request of a method, in bytes: nobody needs rights for a large one. */
export function maxRequestBytes(method: Method, limits: ServerLimits, isOpenToAll: IsOpenToAll): number {
  const { maxMessageBytes, maxMessageBytesOf } = limits;
  const own = maxMessageBytesOf[method.path];
  if (own !== undefined) return own;
  if (/^grpc\.(health|reflection)\./.test(method.service)) return Math.min(openMessageBytes, maxMessageBytes);
  const largest = isOpenToAll(method) ? largestMessage(method.input) : Infinity;
  return Math.min(largest === Infinity ? Infinity : Math.max(openMessageBytes, 2 * largest), maxMessageBytes);
}

/** What a small request may have beyond what its rules allow, so that it is answered which rule it breaks. */
const openMessageBytes = 4096;

/** @throws RpcError RESOURCE_EXHAUSTED when a request is larger than its method allows */
export function checkMessage(bytes: Buffer, maxBytes: number): void {
  if (bytes.length > maxBytes) throw requestTooLarge(bytes.length, maxBytes);
}

/** When a unary call ends at the latest, in milliseconds since the epoch. */
export function effectiveDeadline(asked: number, { defaultDeadlineMs, maxDeadlineMs }: ServerLimits): number {
  const now = Date.now();
  return Math.min(asked === Infinity ? now + defaultDeadlineMs : asked, now + maxDeadlineMs);
}
