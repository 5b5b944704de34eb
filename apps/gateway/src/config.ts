import type { LogLevel } from '@nestjs/common';
import { readPublicUrl, readTrustedProxies, type TrustedProxies } from '@rollcall/access';
import {
  type Environment,
  readDrainMs,
  readListen,
  readLogLevels,
  readProtectedMode,
  readSwitch,
  readTls,
} from '@rollcall/environment';
import { type TlsConfig } from '@rollcall/grpc';
import type { HttpLimits } from '@rollcall/transcoder';
import { readHttpLimits } from './http/environment.ts';

/** What the environment says, checked. */
export interface Config {
  /** Where to serve HTTP. */
  readonly listen: string;
  /** Where user-service is, as a gRPC target. */
  readonly userTarget: string;
  /** Where chat-service is, as a gRPC target. */
  readonly chatTarget: string;
  /** The origins whose pages may call, `*` for all; none by default. */
  readonly corsOrigins: readonly string[];
  /** TLS for its own listener, and towards services; undefined: plain text. */
  readonly tls: TlsConfig | undefined;
  /** Whether nobody signs in, and every local caller is the administrator. */
  readonly protectedMode: boolean;
  /** Under which origin browsers reach the gateway. */
  readonly publicUrl: string;
  /** Who is believed about where a request comes from. */
  readonly trustedProxies: TrustedProxies;
  /** What it takes. */
  readonly limits: HttpLimits;
  /** The levels that are logged. */
  readonly logLevels: LogLevel[];
  /** How long it may take to close, in milliseconds. */
  readonly drainMs: number;
  /** Whether unary calls between our own processes are batched into messages of a stream (docs/batched-calls.md). */
  readonly batchedCalls: boolean;
}

/** Reads the configuration. @throws Error that names the variable whose value is wrong */
export function readConfig(env: Environment): Config {
  return Object.freeze({
    listen: readListen(env, 'GATEWAY_LISTEN', '127.0.0.1:3000'),
    userTarget: env['USER_TARGET'] || env['USER_LISTEN'] || '127.0.0.1:50051',
    chatTarget: env['CHAT_TARGET'] || env['CHAT_LISTEN'] || '127.0.0.1:50052',
    corsOrigins: readOrigins(env['CORS_ORIGINS'] ?? ''),
    tls: readTls(env),
    protectedMode: readProtectedMode(env),
    publicUrl: readPublicUrl(env),
    trustedProxies: readTrustedProxies(env),
    limits: readHttpLimits(env),
    logLevels: readLogLevels(env),
    drainMs: readDrainMs(env),
    batchedCalls: readSwitch(env, 'BATCHED_CALLS', true),
  });
}

function readOrigins(text: string): string[] {
  const origins = text
    .split(',')
    .map((origin) => origin.trim())
    .filter((origin) => origin !== '');
  for (const origin of origins) {
    if (origin !== '*' && (!URL.canParse(origin) || new URL(origin).origin !== origin)) {
      throw new Error(`CORS_ORIGINS: "${origin}" is no origin, such as https://app.example.com`);
    }
  }
  return origins;
}
