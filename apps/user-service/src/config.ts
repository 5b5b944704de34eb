import { join, resolve } from 'node:path';
import type { LogLevel } from '@nestjs/common';
import {
  type Environment,
  readDrainMs,
  readListen,
  readLogLevels,
  readServerLimits,
  readServiceTls,
  readSwitch,
} from '@rollcall/environment';
import { type ServerLimits, type TlsConfig } from '@rollcall/grpc';
import type { AuditRetention } from './store/audit/retention.ts';
import type { Database } from './store/engine/database.ts';
import { readSignIn, type SignInConfig } from './access/environment.ts';

/** What the environment says, checked. */
export interface Config {
  /** Where to serve gRPC. */
  readonly listen: string;
  readonly database: Database;
  /** How long a deleted user can be brought back, in milliseconds. */
  readonly keepDeletedMs: number;
  /** How long changes can be watched from afterwards, in milliseconds. */
  readonly keepChangesMs: number;
  /** How long the audit log is kept. */
  readonly keepAudit: AuditRetention;
  /** Who may call. */
  readonly signIn: SignInConfig;
  /** TLS for its listener; undefined: plain text. */
  readonly tls: TlsConfig | undefined;
  /** The levels that are logged. */
  readonly logLevels: LogLevel[];
  /** What the server takes. */
  readonly limits: ServerLimits;
  /** How long it may take to close, in milliseconds. */
  readonly drainMs: number;
  /** Whether unary calls between our own processes are batched into messages of a stream (docs/batched-calls.md). */
  readonly batchedCalls: boolean;
}

const dayMs = 24 * 60 * 60 * 1000;

/** Reads the configuration. @throws Error that names the variable whose value is wrong */
export function readConfig(env: Environment): Config {
  return Object.freeze({
    listen: readListen(env, 'USER_LISTEN', '127.0.0.1:50051'),
    database: readDatabase(env),
    keepDeletedMs: readWhole(env, 'DELETED_USERS_KEPT_DAYS', 30, 1, 3650) * dayMs,
    keepChangesMs: readWhole(env, 'CHANGES_KEPT_DAYS', 7, 1, 3650) * dayMs,
    keepAudit: readAuditRetention(env),
    signIn: readSignIn(env),
    tls: readServiceTls(env),
    logLevels: readLogLevels(env),
    limits: readServerLimits(env),
    drainMs: readDrainMs(env),
    batchedCalls: readSwitch(env, 'BATCHED_CALLS', true),
  });
}

function readAuditRetention(env: Environment): AuditRetention {
  const days = readWhole(env, 'AUDIT_KEPT_DAYS', 365, 1, 36_500);
  const deniedDays = readWhole(env, 'AUDIT_DENIED_KEPT_DAYS', Math.min(30, days), 1, days);
  return { keepMs: days * dayMs, keepDeniedMs: deniedDays * dayMs };
}

/** Where the directory is kept. @throws Error that names the variable whose value is wrong */
export function readDatabase(env: Environment): Database {
  const url = env['DATABASE_URL'];
  if (!url) return { engine: 'sqlite', dataDir: resolve(env['DATA_DIR'] || '.data') };
  // The value holds a password, and is not shown.
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url))
    throw new Error('DATABASE_URL: it is no URL such as postgresql://user:password@host:5432/database');
  return { engine: 'postgres', url, poolSize: readWhole(env, 'DATABASE_POOL_SIZE', 10, 2, 1000) };
}

function readWhole(env: Environment, name: string, fallback: number, min: number, max: number): number {
  const value = env[name] || String(fallback);
  const number = Number(value);
  if (!/^\d{1,9}$/.test(value) || number < min || number > max)
    throw new Error(`${name}: "${value}" is no whole number from ${min} to ${max}`);
  return number;
}

/** Names the place for whoever reads the log; it holds no secret. */
export function storePlace(database: Database): string {
  if (database.engine === 'sqlite') return join(database.dataDir, 'users.sqlite');
  const { host, pathname, searchParams } = new URL(database.url);
  return `PostgreSQL at ${host || (searchParams.get('host') ?? 'localhost')}${pathname}`;
}
