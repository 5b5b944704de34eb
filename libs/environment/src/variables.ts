import { BlockList, isIP } from 'node:net';
import type { LogLevel } from '@nestjs/common';

/** The environment of a process. An empty variable counts as unset. */
export type Environment = Readonly<Record<string, string | undefined>>;

const logLevels = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'] as const satisfies readonly LogLevel[];

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

/**
 * Whether the system is in protected mode: neither `OIDC_ISSUER` nor `LOCAL_SIGN_IN=1` says how one signs in, so that
 * every local caller is the administrator, and nobody else may get near.
 *
 * @throws Error that names the variable whose value is wrong
 */
export function readProtectedMode(env: Environment): boolean {
  const signIn = readSwitch(env, 'LOCAL_SIGN_IN');
  return !signIn && !env['OIDC_ISSUER'];
}

/**
 * Reads where to listen: `127.0.0.1:50051`, `[::1]:0`, `unix:///run/rollcall/users.sock`. In protected mode an address
 * that other machines can reach is refused.
 *
 * @throws Error that names the variable whose value is wrong
 */
export function readListen(env: Environment, name: string, fallback: string): string {
  const value = env[name] || fallback;
  const protectedMode = readProtectedMode(env);
  if (/^unix:./.test(value)) return value;
  const {
    v6,
    name: host4,
    port,
  } = /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^:[\]/]+)):(?<port>\d{1,5})$/.exec(value)?.groups ?? {};
  const host = v6 ?? host4;
  if (host === undefined || Number(port) > 65_535 || (v6 !== undefined && isIP(v6) !== 6)) {
    throw new Error(`${name}: "${value}" is neither address:port, such as ${fallback}, nor unix:///path`);
  }
  if (protectedMode && !isLoopback(host)) {
    throw new Error(
      `${name}: "${value}" can be reached from other machines, and nobody has to sign in. ` +
        'Set OIDC_ISSUER or LOCAL_SIGN_IN=1, or use a loopback address or unix:///path.',
    );
  }
  return value;
}

/** Whether a host is this machine by its name or address, whatever the network says: `localhost`, `127.0.0.1`, `::1`. */
export function isLoopback(host: string): boolean {
  const version = isIP(host);
  return version === 0 ? host.toLowerCase() === 'localhost' : loopback.check(host, version === 6 ? 'ipv6' : 'ipv4');
}

/**
 * Reads a variable that is 0 or 1.
 *
 * @param fallback when it is unset
 * @throws Error that names the variable
 */
export function readSwitch(env: Environment, name: string, fallback = false): boolean {
  const value = env[name] || (fallback ? '1' : '0');
  if (value !== '0' && value !== '1') throw new Error(`${name}: "${value}" is neither 0 nor 1`);
  return value === '1';
}

/** Reads `LOG_LEVEL`, by default `info`. @returns the levels that are logged @throws Error that names the variable */
export function readLogLevels(env: Environment): LogLevel[] {
  const value = env['LOG_LEVEL'] || 'info';
  const index = logLevels.findIndex((level) => level === (value === 'info' ? 'log' : value));
  if (index < 0) throw new Error(`LOG_LEVEL: "${value}" is none of ${logLevels.join(', ').replace('log', 'info')}`);
  return logLevels.slice(0, index + 1);
}
