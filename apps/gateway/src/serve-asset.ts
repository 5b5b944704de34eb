import type { Asset } from '@rollcall/transcoder';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Serves a file that browsers may keep, if they ask whether it has changed; or as `caching` says. */
export function serveAsset(
  { type, body, etag }: Asset,
  request: FastifyRequest,
  reply: FastifyReply,
  caching = 'no-cache',
): void {
  reply.headers({ etag, 'cache-control': caching });
  if (request.headers['if-none-match'] === etag) void reply.status(304).send();
  else void reply.header('content-type', type).send(body);
}
