import type { Environment } from './variables.ts';
import { readWhole } from './grpc-limits.ts';
import type { TlsConfig } from '@rollcall/grpc';

const fileNames = { cert: 'TLS_CERT', key: 'TLS_KEY', ca: 'TLS_CA' } as const;
const defaultReloadMs = 5000;

/**
 * Reads `TLS_CERT`, `TLS_KEY`, `TLS_CA`, `TLS_CALLERS` and `TLS_RELOAD_MS`; the files themselves are read by TlsFiles.
 *
 * @returns undefined when none of the files is named
 * @throws Error that names the variable that is wrong or missing
 */
export function readTls(env: Environment): TlsConfig | undefined {
  const [cert, key, ca] = [fileNames.cert, fileNames.key, fileNames.ca].map((name) => readPath(env, name));
  const callers = readCallers(env);
  const reloadMs = readWhole(env, 'TLS_RELOAD_MS', defaultReloadMs);
  if (key === undefined && cert !== undefined) throw new Error('TLS_KEY: TLS_CERT is of no use without its key');
  if (cert === undefined && key !== undefined)
    throw new Error('TLS_CERT: TLS_KEY is of no use without its certificate');
  if (callers.length > 0 && (ca === undefined || cert === undefined))
    throw new Error(
      'TLS_CALLERS: callers are known by their certificates alone, which takes TLS_CERT, TLS_KEY and TLS_CA',
    );
  if (cert === undefined && ca === undefined) return undefined;
  return Object.freeze({ cert, key, ca, callers, reloadMs, names: fileNames });
}

/**
 * Reads the same for a process that listens for gRPC. TLS_CA alone is refused, for the listener would speak plain text
 * while it looks as if it asked callers for certificates.
 *
 * @throws Error that names the variable that is wrong or missing
 */
export function readServiceTls(env: Environment): TlsConfig | undefined {
  const tls = readTls(env);
  if (tls !== undefined && tls.cert === undefined)
    throw new Error('TLS_CA: a service verifies its callers by it, which takes TLS_CERT and TLS_KEY as well');
  return tls;
}

/** Values are not shown: whoever takes the variable for the file's contents has a key in it. */
function readPath(env: Environment, name: string): string | undefined {
  const value = env[name] || undefined;
  if (value?.includes('-----BEGIN') === true)
    throw new Error(`${name}: it is the path of a PEM file, not what stands in it`);
  return value;
}

function readCallers(env: Environment): readonly string[] {
  const value = env['TLS_CALLERS'] || undefined;
  const names = value?.split(',').map((name) => name.trim().toLowerCase()) ?? [];
  for (const name of names)
    if (!/^[a-z0-9_*]([a-z0-9_.-]*[a-z0-9_])?$/.test(name))
      throw new Error(`TLS_CALLERS: "${name}" is no DNS name, such as gateway.internal`);
  return Object.freeze(names);
}
