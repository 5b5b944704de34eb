import type { FastifyRequest } from 'fastify';
import type { CallerMetadata, RequestMetadata } from '../options.ts';

/**
 * What goes along with each call: what an app says of the caller, and the headers that it names, of which what it says
 * goes first.
 */
export function withHeaders(names: readonly string[], requestMetadata: RequestMetadata): RequestMetadata {
  if (names.length === 0) return requestMetadata;
  return (request) => {
    const passed = headersIn(request, names);
    const said = requestMetadata(request);
    return said instanceof Promise ? said.then((own) => ({ ...passed, ...own })) : { ...passed, ...said };
  };
}

function headersIn({ raw: { headers } }: FastifyRequest, names: readonly string[]): CallerMetadata {
  const passed: Record<string, string> = {};
  for (const name of names) {
    const value = headers[name];
    if (value !== undefined) passed[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return passed;
}
