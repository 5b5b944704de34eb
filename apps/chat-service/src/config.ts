import { join, resolve } from 'node:path';
import type { LogLevel } from '@nestjs/common';
import {
  type CallerLimits,
  readCallerLimits,
  readServiceTokenFile,
  readTutorialUserId,
  readTrustedProxies,
  type TrustedProxies,
} from '@rollcall/access';
import {
  type Environment,
  readDrainMs,
  readListen,
  readLogLevels,
  readProtectedMode,
  readServerLimits,
  readServiceTls,
  readSwitch,
  readWhole,
} from '@rollcall/environment';
import { type ServerLimits, type TlsConfig } from '@rollcall/grpc';
import type { Retention } from './log/note-log.ts';
import { type NatsConfig, readNats } from './nats/nats-environment.ts';

/** What the environment says, checked. */
export interface Config {
  /** Where to serve gRPC. */
  readonly listen: string;
  /** Where user-service is, as a gRPC target. */
  readonly userTarget: string;
  /** The directory of the embedded log, as an absolute path. */
  readonly dataDir: string;
  /** Where NATS is, which then keeps the log; undefined: the log is embedded. */
  readonly nats: NatsConfig | undefined;
  /** Which notes are kept. */
  readonly retention: Retention;
  /** How many rooms there may be. */
  readonly maxRooms: number;
  /** How many rooms a user who is no administrator makes in an hour at the most. */
  readonly roomsPerUserAndHour: number;
  /** Whether nobody signs in, and every local caller is the administrator. */
  readonly protectedMode: boolean;
  /** The user that the tutorial's clients act as, which know no credentials; undefined when nobody. */
  readonly tutorialUserId: string | undefined;
  /** Where the token stands that services call each other with. */
  readonly serviceTokenFile: string;
  readonly callerLimits: CallerLimits;
  /** Who may name the address of a caller. */
  readonly trustedProxies: TrustedProxies;
  /** TLS for its listener, and towards user-service; undefined: plain text. */
  readonly tls: TlsConfig | undefined;
  /** Whether unary calls are batched, from the gateway and to user-service. */
  readonly batchedCalls: boolean;
  /** The levels that are logged. */
  readonly logLevels: LogLevel[];
  /** What the server takes. */
  readonly limits: ServerLimits;
  /** How long it may take to close, in milliseconds. */
  readonly drainMs: number;
}

const dayMs = 24 * 60 * 60 * 1000;
const maxDays = 36_500;
const maxNotes = 1_000_000_000;

/** Reads the configuration. @throws Error that names the variable whose value is wrong */
export function readConfig(env: Environment): Config {
  return Object.freeze({
    listen: readListen(env, 'CHAT_LISTEN', '127.0.0.1:50052'),
    userTarget: env['USER_TARGET'] || env['USER_LISTEN'] || '127.0.0.1:50051',
    dataDir: resolve(env['DATA_DIR'] || '.data'),
    nats: readNats(env),
    retention: Object.freeze({
      maxAgeMs: env['NOTES_KEPT_DAYS'] ? readWhole(env, 'NOTES_KEPT_DAYS', maxDays, maxDays) * dayMs : undefined,
      maxNotes: env['NOTES_KEPT_PER_ROOM'] ? readWhole(env, 'NOTES_KEPT_PER_ROOM', maxNotes, maxNotes) : undefined,
    }),
    maxRooms: readWhole(env, 'ROOMS_MAX', 10_000, 1_000_000),
    roomsPerUserAndHour: readWhole(env, 'ROOMS_PER_USER_AND_HOUR', 20, 1_000_000),
    protectedMode: readProtectedMode(env),
    tutorialUserId: readTutorialUserId(env),
    serviceTokenFile: readServiceTokenFile(env),
    callerLimits: readCallerLimits(env),
    trustedProxies: readTrustedProxies(env),
    tls: readServiceTls(env),
    batchedCalls: readSwitch(env, 'BATCHED_CALLS', true),
    logLevels: readLogLevels(env),
    limits: readServerLimits(env),
    drainMs: readDrainMs(env),
  });
}

/** Names the place of the rooms for whoever reads the log; it holds no secret. */
export function logPlace({ nats, dataDir }: Pick<Config, 'nats' | 'dataDir'>): string {
  return nats === undefined ? join(dataDir, 'chat.sqlite') : `NATS at ${nats.servers.join(', ')}`;
}
