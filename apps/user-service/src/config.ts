import { BlockList, isIP } from 'node:net';
import { resolve } from 'node:path';
import type { LogLevel } from '@nestjs/common';

/** What the environment says, checked. */
export interface Config {
  /** Where to serve gRPC: `127.0.0.1:50051`, `[::1]:0`, `unix:///run/rollcall/users.sock`. */
  readonly listen: string;
  /** The directory of the store's files, as an absolute path. */
  readonly dataDir: string;
  /** The least important level that is logged. */
  readonly logLevel: (typeof logLevels)[number];
}

/** The levels from the most important to the least. */
export const logLevels = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'] as const satisfies readonly LogLevel[];

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

/**
 * Reads the configuration. An empty variable counts as unset.
 *
 * - `USER_LISTEN`, by default `127.0.0.1:50051`: a loopback address or `unix:///path`, as long as there is no sign-in.
 * - `ALLOW_INSECURE_LISTEN=1` lifts that, for a container on a private network: whoever reaches the address may do all.
 * - `DATA_DIR`, by default `.data`: the directory of the store's files, made if it is missing.
 * - `LOG_LEVEL`, by default `info`: fatal, error, warn, info, debug or verbose.
 *
 * @throws Error that names the variable whose value is wrong
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  return Object.freeze({
    listen: readListen(env['USER_LISTEN'] || '127.0.0.1:50051', readSwitch(env, 'ALLOW_INSECURE_LISTEN')),
    dataDir: resolve(env['DATA_DIR'] || '.data'),
    logLevel: readLogLevel(env['LOG_LEVEL'] || 'info'),
  });
}

function readListen(value: string, insecureAllowed: boolean): string {
  if (/^unix:./.test(value)) return value;
  const { v6, name, port } = /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^:[\]/]+)):(?<port>\d{1,5})$/.exec(value)?.groups ?? {};
  const host = v6 ?? name;
  if (host === undefined || Number(port) > 65_535 || (v6 !== undefined && isIP(v6) !== 6)) {
    throw new Error(`USER_LISTEN: "${value}" is neither host:port, such as 127.0.0.1:50051, nor unix:///path`);
  }
  if (!insecureAllowed && !isLoopback(host)) {
    throw new Error(
      `USER_LISTEN: "${value}" can be reached from other machines, and there is no sign-in yet. ` +
        'Use a loopback address or unix:///path, or set ALLOW_INSECURE_LISTEN=1 on a private network.',
    );
  }
  return value;
}

function isLoopback(host: string): boolean {
  const version = isIP(host);
  return version === 0 ? host.toLowerCase() === 'localhost' : loopback.check(host, version === 6 ? 'ipv6' : 'ipv4');
}

function readSwitch(env: Readonly<Record<string, string | undefined>>, name: string): boolean {
  const value = env[name] || '0';
  if (value !== '0' && value !== '1') throw new Error(`${name}: "${value}" is neither 0 nor 1`);
  return value === '1';
}

function readLogLevel(value: string): Config['logLevel'] {
  const level = logLevels.find((known) => known === (value === 'info' ? 'log' : value));
  if (level === undefined)
    throw new Error(`LOG_LEVEL: "${value}" is none of ${logLevels.join(', ').replace('log', 'info')}`);
  return level;
}
