import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';

/** The headers that pages of other origins may read. */
const exposedHeaders = [
  'accept-post',
  'allow',
  'etag',
  'grpc-message',
  'grpc-status',
  'grpc-status-details-bin',
  'link',
  'location',
  'retry-after',
  'www-authenticate',
  'x-request-id',
];

/** What pages of these origins may do; `*` for all. */
export function corsOptions(origins: readonly string[]): Parameters<NestFastifyApplication['enableCors']>[0] {
  const all = origins.includes('*');
  const options = {
    origin: all ? '*' : [...origins],
    credentials: !all, // pages of the same site may use the session
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: [...exposedHeaders],
    maxAge: 600,
  };
  const withoutPreflight = { ...options, preflight: false };
  return { delegator: (request, use) => use(null, isPreflight(request) ? options : withoutPreflight) };
}

/** Whether a browser asks what it may. Another OPTIONS is a verb as others are. */
function isPreflight({ method, headers }: FastifyRequest): boolean {
  return method === 'OPTIONS' && headers.origin !== undefined && 'access-control-request-method' in headers;
}

/** What CORS says of an answer where no request came to be. */
export function corsHeaders(origins: readonly string[], origin: string): Record<string, string> {
  if (origins.length === 0) return {};
  const exposed = { 'access-control-expose-headers': exposedHeaders.join(', ') };
  if (origins.includes('*')) return { 'access-control-allow-origin': '*', ...exposed };
  if (!origins.includes(origin)) return { vary: 'Origin' };
  const credentials = { 'access-control-allow-credentials': 'true' };
  return { 'access-control-allow-origin': origin, vary: 'Origin', ...credentials, ...exposed };
}
