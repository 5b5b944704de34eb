import type { Environment } from '@rollcall/grpc';
import { defaultHttpLimits, type HttpLimits, mostHeaders } from '@rollcall/transcoder';

/** What a timer of Node can wait; a longer one would fire at once. */
const most = 2 ** 31 - 1;

/** Reads the limits of HTTP (see HttpLimits). @throws Error that names the variable whose value is wrong */
export function readHttpLimits(env: Environment): HttpLimits {
  return Object.freeze({
    maxUrlBytes: readWhole(env, 'HTTP_MAX_URL_BYTES', defaultHttpLimits.maxUrlBytes, most),
    maxHeaderBytes: readWhole(env, 'HTTP_MAX_HEADER_BYTES', defaultHttpLimits.maxHeaderBytes, most - 1),
    maxHeaders: readWhole(env, 'HTTP_MAX_HEADERS', defaultHttpLimits.maxHeaders, mostHeaders),
    maxBodyBytes: readWhole(env, 'HTTP_MAX_BODY_BYTES', defaultHttpLimits.maxBodyBytes, most),
    headersTimeoutMs: readWhole(env, 'HTTP_HEADERS_TIMEOUT_MS', defaultHttpLimits.headersTimeoutMs, most),
    bodyTimeoutMs: readWhole(env, 'HTTP_BODY_TIMEOUT_MS', defaultHttpLimits.bodyTimeoutMs, most),
  });
}

function readWhole(env: Environment, name: string, fallback: number, largest: number): number {
  const value = env[name] || String(fallback);
  const number = Number(value);
  if (!/^[1-9]\d*$/.test(value) || number > largest) {
    throw new Error(`${name}: "${value}" is no whole number from 1 to ${largest}`);
  }
  return number;
}
