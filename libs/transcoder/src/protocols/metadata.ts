import type { IncomingHttpHeaders } from 'node:http';
import { Metadata } from '@grpc/grpc-js';
import { entriesOf } from '@rollcall/grpc';

/** The headers that speak of the message, the connection or the protocol, and not of the call. */
const ofProtocol = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'authorization', // who calls, the app says
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'date',
  'expect',
  'forwarded',
  'host',
  'keep-alive',
  'origin',
  'priority',
  'referer',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'via',
  'x-grpc-web',
  'x-real-ip',
  'x-user-agent',
]);
const prefixes = [':', 'connect-', 'grpc-', 'sec-', 'proxy-', 'x-forwarded-', 'access-control-', 'if-'];

/** Whether a header is metadata of the call, for the other side to have. */
export function isMetadata(name: string): boolean {
  return !ofProtocol.has(name) && !prefixes.some((prefix) => name.startsWith(prefix));
}

/**
 * The metadata that a caller sends along with a call: all headers but those of the protocol. Values of `…-bin` are bytes
 * in base64.
 */
export function metadataOf(headers: IncomingHttpHeaders, rawHeaders: readonly string[]): Metadata {
  const metadata = new Metadata();
  for (const name in headers) {
    if (!isMetadata(name)) continue;
    for (const value of valuesOf(name, rawHeaders)) {
      if (name.endsWith('-bin')) for (const each of value.split(',')) metadata.add(name, Buffer.from(each, 'base64'));
      else if (/^[ -~]*$/.test(value)) metadata.add(name, value);
    }
  }
  return metadata;
}

function valuesOf(name: string, rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name);
}

/** The headers that metadata of an answer becomes. @param prefix what each name begins with */
export function headersOf(metadata: Metadata, prefix = ''): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (const [name, values] of entriesOf(metadata)) {
    if (!isMetadata(name)) continue;
    headers[prefix + name] = values.map((value) => (typeof value === 'string' ? value : base64(value)));
  }
  return headers;
}

/** Without padding, as gRPC and Connect write it. */
export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '');
}
