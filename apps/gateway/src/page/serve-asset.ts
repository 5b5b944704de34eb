import { type Asset } from '@rollcall/openapi';
import { conditionsOf, preconditionFailed, weigh } from '@rollcall/transcoder';
import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * Serves a file that browsers may keep, if they ask whether it has changed; or as `caching` says.
 *
 * @throws RpcError when the conditions of the request cannot be read, or are not met
 */
export function serveAsset(
  { type, body, etag }: Asset,
  request: FastifyRequest,
  reply: FastifyReply,
  caching = 'no-cache',
): void {
  const conditions = conditionsOf(request.headers);
  const verdict = conditions === undefined ? 'met' : weigh(conditions, etag);
  if (verdict === 'failed') throw preconditionFailed();
  reply.headers({ etag, 'cache-control': caching });
  if (verdict === 'not modified') void reply.status(304).send();
  else void reply.header('content-type', type).send(body);
}
