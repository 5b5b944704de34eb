import type { Message } from '@bufbuild/protobuf';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Conventions, locationPath, nextPageLink } from '../conventions/aip.ts';
import { type Conditions, etagHeader, isRead, preconditionFailed, weigh } from '../conventions/conditions.ts';
import type { ResponseJson } from './json.ts';
import type { ResponseText } from './text.ts';

/** Answers with the one response of a call. */
export class UnaryResponse {
  readonly #json: ResponseJson;
  readonly #conventions: Conventions;
  readonly #prefix: () => string;

  /** @param prefix what paths begin with in the app */
  constructor(json: ResponseJson, conventions: Conventions, prefix: () => string) {
    this.#json = json;
    this.#conventions = conventions;
    this.#prefix = prefix;
  }

  /**
   * Says in the head what goes with a response.
   *
   * @param response undefined when nobody is left to answer
   * @param conditions what the caller has asked on, of a read
   * @returns the body: as text, or the value of it when it is intercepted
   */
  send(
    request: FastifyRequest,
    reply: FastifyReply,
    response: Message | ResponseText | undefined,
    conditions: Conditions | undefined,
    intercepted: boolean,
  ): unknown {
    if (response === undefined) {
      reply.hijack(); // nobody is left to answer
      return undefined;
    }
    const { text, head } = this.#json.answer(response);
    const { etag, location, nextPage } = this.#conventions;
    let status = 200;
    const tag = etag && typeof head['etag'] === 'string' ? etagHeader(head['etag']) : undefined;
    if (tag !== undefined) reply.header('etag', tag);
    if (conditions !== undefined && isRead(request.method)) {
      const verdict = weigh(conditions, tag);
      if (verdict === 'failed') throw preconditionFailed();
      if (verdict === 'not modified') {
        reply.status(304);
        return undefined;
      }
    }
    if (location !== undefined) {
      status = 201;
      const path = locationPath(location, head);
      if (path !== undefined) reply.header('location', this.#prefix() + path);
    }
    if (nextPage) {
      const link = nextPageLink(request.raw.url ?? '', head);
      if (link !== undefined) reply.header('link', link);
    }
    reply.status(status);
    const value: unknown = intercepted ? JSON.parse(text) : undefined;
    if (typeof value === 'object' && value !== null) return value;
    reply.header('content-type', 'application/json; charset=utf-8');
    return text;
  }
}
