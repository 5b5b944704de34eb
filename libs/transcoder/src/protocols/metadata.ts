import type { IncomingMessage } from 'node:http';
import type { Metadata } from '@grpc/grpc-js';
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
 * Adds what a caller sends along with a call to its metadata: all headers but those of the protocol, and those that are
 * there already. Values of `…-bin` are bytes in base64.
 */
export function addMetadata(metadata: Metadata, { headers, rawHeaders }: IncomingMessage): void {
  for (const name in headers) {
    if (!isMetadata(name) || metadata.get(name).length > 0) continue;
    for (const value of valuesOf(name, headers[name], rawHeaders)) {
      if (name.endsWith('-bin')) for (const each of value.split(',')) metadata.add(name, Buffer.from(each, 'base64'));
      else if (/^[ -~]*$/.test(value)) metadata.add(name, value);
    }
  }
}

/** The values of a header one by one: Node joins them. */
function valuesOf(name: string, joined: string | string[] | undefined, rawHeaders: readonly string[]): string[] {
  if (typeof joined === 'string' && !joined.includes(',')) return [joined];
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
