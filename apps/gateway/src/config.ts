import type { LogLevel } from '@nestjs/common';

/** What the environment says, checked. */
export interface Config {
  /** Where HTTP is listened to: a port of an address, or a unix socket. */
  readonly listen: { readonly host: string; readonly port: number } | { readonly path: string };
  /** Where user-service is, as a gRPC target. */
  readonly userTarget: string;
  /** The origins whose pages may call, `*` for all; none by default. */
  readonly corsOrigins: readonly string[];
  readonly logLevels: LogLevel[];
  /** How long requests under way may take when the app ends, in milliseconds. */
  readonly drainMs: number;
}

/** Reads the configuration. @throws Error that names the variable and says what is wrong with it */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  return Object.freeze({
    listen: listenAddress(env),
    userTarget: env['USER_TARGET'] ?? env['USER_LISTEN'] ?? '127.0.0.1:50051',
    corsOrigins: corsOrigins(env['CORS_ORIGINS'] ?? ''),
    logLevels: logLevels(env['LOG_LEVEL'] ?? 'info'),
    drainMs: 10_000,
  });
}

function listenAddress(env: NodeJS.ProcessEnv): Config['listen'] {
  const text = env['GATEWAY_LISTEN'] ?? '127.0.0.1:3000';
  if (text.startsWith('unix://')) return { path: text.slice('unix://'.length) };
  const [, host = '', digits = ''] = /^(\[[\da-fA-F:.]+\]|[^:[\]]+):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (host === '' || port > 65535) {
    throw new Error(`GATEWAY_LISTEN must be address:port or unix:///path, such as 127.0.0.1:3000, not "${text}"`);
  }
  if (!/^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(host) && env['ALLOW_INSECURE_LISTEN'] !== '1') {
    throw new Error(
      `GATEWAY_LISTEN is ${text}, which others can reach, and there is no sign-in yet: every caller would be an administrator. ` +
        'Use a loopback address, or set ALLOW_INSECURE_LISTEN=1 where the network itself is closed',
    );
  }
  return { host: host.replace(/^\[|\]$/g, ''), port };
}

function corsOrigins(text: string): string[] {
  const origins = text
    .split(',')
    .map((origin) => origin.trim())
    .filter((origin) => origin !== '');
  for (const origin of origins) {
    if (origin !== '*' && (!URL.canParse(origin) || new URL(origin).origin !== origin)) {
      throw new Error(
        `CORS_ORIGINS must be origins separated by commas, such as https://app.example.com, not "${origin}"`,
      );
    }
  }
  return origins;
}

const levels = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'] as const;

function logLevels(text: string): LogLevel[] {
  const index = levels.indexOf((text === 'info' ? 'log' : text) as (typeof levels)[number]);
  if (index < 0) throw new Error(`LOG_LEVEL must be one of ${levels.join(', ').replace('log', 'info')}, not "${text}"`);
  return levels.slice(0, index + 1);
}
