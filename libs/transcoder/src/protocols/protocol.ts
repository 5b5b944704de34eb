/**
 * The protocols of RPC that are spoken at a method's own path, `/{package.Service}/{Method}`: Connect, gRPC-Web and gRPC.
 * Which one a request speaks, its Content-Type says.
 *
 * @see https://connectrpc.com/docs/protocol
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
import type { Method } from '@rollcall/contract';

/** How messages are written. */
export type CodecName = 'proto' | 'json';

/** What a request speaks. */
export interface Spoken {
  readonly protocol: 'connect-unary' | 'connect-stream' | 'grpc' | 'grpc-web' | 'grpc-web-text';
  readonly codec: CodecName;
}

const byMediaType = new Map<string, Spoken>([
  ['application/proto', { protocol: 'connect-unary', codec: 'proto' }],
  ['application/json', { protocol: 'connect-unary', codec: 'json' }],
  ['application/connect+proto', { protocol: 'connect-stream', codec: 'proto' }],
  ['application/connect+json', { protocol: 'connect-stream', codec: 'json' }],
  ['application/grpc', { protocol: 'grpc', codec: 'proto' }],
  ['application/grpc+proto', { protocol: 'grpc', codec: 'proto' }],
  ['application/grpc+json', { protocol: 'grpc', codec: 'json' }],
  ['application/grpc-web', { protocol: 'grpc-web', codec: 'proto' }],
  ['application/grpc-web+proto', { protocol: 'grpc-web', codec: 'proto' }],
  ['application/grpc-web+json', { protocol: 'grpc-web', codec: 'json' }],
  ['application/grpc-web-text', { protocol: 'grpc-web-text', codec: 'proto' }],
  ['application/grpc-web-text+proto', { protocol: 'grpc-web-text', codec: 'proto' }],
]);

/** What a POST to the path of a method speaks; undefined when its Content-Type is none that the method takes. */
export function spokenBy(contentType: string | undefined, { kind }: Pick<Method, 'kind'>): Spoken | undefined {
  const known = byMediaType.get(contentType ?? '') ?? byMediaType.get(mediaType(contentType ?? ''));
  const isUnary = kind === 'unary';
  if (known === undefined || known.protocol === (isUnary ? 'connect-stream' : 'connect-unary')) return undefined;
  return known;
}

/** What a GET to the path of a method speaks, by its query; undefined when it is no call of Connect. */
export function spokenByQuery(query: URLSearchParams, { kind, readOnly }: Method): Spoken | undefined {
  const codec = query.get('encoding');
  if (kind !== 'unary' || !readOnly || (codec !== 'proto' && codec !== 'json')) return undefined;
  return { protocol: 'connect-unary', codec };
}

/** The Content-Types that a method takes, for those who sent another one. */
export function takenTypes({ kind }: Pick<Method, 'kind'>): string {
  return [...byMediaType]
    .filter(([, { protocol }]) => protocol !== (kind === 'unary' ? 'connect-stream' : 'connect-unary'))
    .map(([type]) => type)
    .join(', ');
}

/** The Content-Type of an answer in the same protocol. */
export function answerType({ protocol, codec }: Spoken): string {
  if (protocol === 'connect-unary') return `application/${codec}`;
  if (protocol === 'connect-stream') return `application/connect+${codec}`;
  return `application/${protocol}+${codec}`;
}

function mediaType(contentType: string): string {
  return contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}
