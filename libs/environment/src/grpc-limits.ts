import type { Environment } from './variables.ts';
import { defaultLimits, type ServerLimits } from '@rollcall/grpc';

/** The variables of a server's limits. Sizes are in bytes, times in milliseconds. */
const variables = {
  GRPC_MAX_MESSAGE_BYTES: 'maxMessageBytes',
  GRPC_MAX_METADATA_BYTES: 'maxMetadataBytes',
  GRPC_MAX_METADATA_FIELDS: 'maxMetadataFields',
  GRPC_MAX_CALLS_PER_CONNECTION: 'maxCallsPerConnection',
  GRPC_MAX_CONNECTIONS: 'maxConnections',
  GRPC_MAX_CONNECTIONS_PER_ADDRESS: 'maxConnectionsPerAddress',
  GRPC_CONNECTION_BEGIN_MS: 'connectionBeginMs',
  GRPC_MAX_UNFINISHED_BYTES: 'maxUnfinishedBytes',
  GRPC_MAX_UNFINISHED_BYTES_PER_ADDRESS: 'maxUnfinishedBytesPerAddress',
  GRPC_MAX_UNFINISHED_BYTES_PER_CONNECTION: 'maxUnfinishedBytesPerConnection',
  GRPC_MAX_OPEN_CALLS: 'maxOpenCalls',
  GRPC_MAX_OPEN_CALLS_PER_ADDRESS: 'maxOpenCallsPerAddress',
  GRPC_MAX_OPEN_CALLS_PER_CONNECTION: 'maxOpenCallsPerConnection',
  GRPC_MAX_UNSENT_BYTES: 'maxUnsentBytes',
  GRPC_DEFAULT_DEADLINE_MS: 'defaultDeadlineMs',
  GRPC_MAX_DEADLINE_MS: 'maxDeadlineMs',
  GRPC_STREAM_IDLE_MS: 'streamIdleMs',
  GRPC_RESET_GRACE_MS: 'resetGraceMs',
  GRPC_MAX_CONNECTION_IDLE_MS: 'maxConnectionIdleMs',
  GRPC_MAX_CONNECTION_AGE_MS: 'maxConnectionAgeMs',
  GRPC_MAX_CONNECTION_AGE_GRACE_MS: 'maxConnectionAgeGraceMs',
  GRPC_KEEPALIVE_TIME_MS: 'keepaliveTimeMs',
  GRPC_KEEPALIVE_TIMEOUT_MS: 'keepaliveTimeoutMs',
} as const satisfies Record<string, keyof ServerLimits>;

/** What a timer of Node can wait; a longer one would fire at once. */
const max = 2 ** 31 - 1;
const defaultDrainMs = 10_000;

/** Reads the limits of a server (see ServerLimits). @throws Error that names the variable whose value is wrong */
export function readServerLimits(env: Environment): ServerLimits {
  const read = Object.entries(variables).map(([name, limit]) => [limit, readWhole(env, name, defaultLimits[limit])]);
  const limits: ServerLimits = { ...defaultLimits, ...(Object.fromEntries(read) as Partial<ServerLimits>) };
  if (limits.defaultDeadlineMs > limits.maxDeadlineMs) {
    const { defaultDeadlineMs, maxDeadlineMs } = limits;
    throw new Error(
      `GRPC_DEFAULT_DEADLINE_MS: ${defaultDeadlineMs} is more than GRPC_MAX_DEADLINE_MS, ${maxDeadlineMs}`,
    );
  }
  return Object.freeze(limits);
}

/** Reads `DRAIN_MS`: how long a server may take to close, in milliseconds. @throws Error that names the variable */
export function readDrainMs(env: Environment): number {
  return readWhole(env, 'DRAIN_MS', defaultDrainMs);
}

/**
 * Reads a variable that is a whole number from 1 up.
 *
 * @param largest the largest that it may be; what a timer of Node takes, by default
 * @throws Error that names the variable
 */
export function readWhole(env: Environment, name: string, fallback: number, largest = max): number {
  const value = env[name] || String(fallback);
  const number = Number(value);
  if (!/^[1-9]\d*$/.test(value) || number > largest) {
    throw new Error(`${name}: "${value}" is no whole number from 1 to ${largest}`);
  }
  return number;
}
