import { Metadata } from '@grpc/grpc-js';
import { type CallOptions, invalidFields } from '@rollcall/grpc';
import type { FastifyRequest } from 'fastify';
import type { CallerMetadata } from '../options.ts';

/** The HTTP headers that go along with the call, beside what tells of the caller. */
const passedHeaders = ['traceparent', 'tracestate'];

/**
 * The options of the call that a request makes.
 *
 * @param caller what tells of the caller
 * @throws RpcError INVALID_ARGUMENT when the timeout cannot be read
 */
export function callOptions(request: FastifyRequest, caller: CallerMetadata): CallOptions {
  const { headers } = request.raw;
  const metadata = new Metadata();
  metadata.set('x-request-id', request.id);
  // HTTP takes bytes that metadata does not. A credential that has some is still one, for the service to refuse.
  for (const name in caller) metadata.set(name, valueOf(name, caller[name] ?? ''));
  for (const name of passedHeaders) {
    const value = headers[name];
    if (typeof value === 'string' && /^[ -~]+$/.test(value)) metadata.set(name, value);
  }
  const timeout = headers['grpc-timeout'];
  return typeof timeout === 'string' ? { metadata, deadline: Date.now() + timeoutMs(timeout) } : { metadata };
}

function valueOf(name: string, value: string | Buffer): string | Buffer {
  if (typeof value !== 'string') return value;
  return name.endsWith('-bin') ? Buffer.from(value, 'base64') : value.replace(/[^ -~]/g, '?');
}

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** The milliseconds of a Grpc-Timeout header. @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
function timeoutMs(header: string): number {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(header) ?? [];
  const ms = unitMs[unit ?? ''];
  if (digits === undefined || ms === undefined) {
    throw invalidFields([
      {
        field: 'Grpc-Timeout',
        description: 'must be 1 to 8 digits and one of H, M, S, m, u, n, such as 500m',
        reason: 'format',
      },
    ]);
  }
  return Number(digits) * ms;
}
