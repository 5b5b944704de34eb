import { type Environment, readWhole } from '@rollcall/environment';
import { defaultHttpLimits, type HttpLimits, maxHeaders } from '@rollcall/transcoder';

/** Reads the limits of HTTP (see HttpLimits). @throws Error that names the variable whose value is wrong */
export function readHttpLimits(env: Environment): HttpLimits {
  return Object.freeze({
    maxUrlBytes: readWhole(env, 'HTTP_MAX_URL_BYTES', defaultHttpLimits.maxUrlBytes),
    maxHeaderBytes: readWhole(env, 'HTTP_MAX_HEADER_BYTES', defaultHttpLimits.maxHeaderBytes, 2 ** 31 - 2),
    maxHeaders: readWhole(env, 'HTTP_MAX_HEADERS', defaultHttpLimits.maxHeaders, maxHeaders),
    maxBodyBytes: readWhole(env, 'HTTP_MAX_BODY_BYTES', defaultHttpLimits.maxBodyBytes),
    maxStreams: readWhole(env, 'HTTP_MAX_STREAMS', defaultHttpLimits.maxStreams),
    headersTimeoutMs: readWhole(env, 'HTTP_HEADERS_TIMEOUT_MS', defaultHttpLimits.headersTimeoutMs),
    bodyTimeoutMs: readWhole(env, 'HTTP_BODY_TIMEOUT_MS', defaultHttpLimits.bodyTimeoutMs),
    maxBodiesBytes: readWhole(env, 'HTTP_MAX_BODIES_BYTES', defaultHttpLimits.maxBodiesBytes),
    maxCallerBodiesBytes: readWhole(env, 'HTTP_MAX_CALLER_BODIES_BYTES', defaultHttpLimits.maxCallerBodiesBytes),
    maxConnections: readWhole(env, 'HTTP_MAX_CONNECTIONS', defaultHttpLimits.maxConnections),
    maxAddressConnections: readWhole(env, 'HTTP_MAX_ADDRESS_CONNECTIONS', defaultHttpLimits.maxAddressConnections),
  });
}
