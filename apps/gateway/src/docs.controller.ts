import { createHash } from 'node:crypto';
import { Controller, Get, Inject, NotFoundException, Param, Req, Res } from '@nestjs/common';
import { docsAssets, docsContentSecurityPolicy } from '@rollcall/transcoder';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** The token of the OpenAPI document. */
export const openApiDocumentToken = Symbol('OpenAPI document');

interface Served {
  readonly type: string;
  readonly body: Buffer;
  readonly etag: string;
}

/** The OpenAPI document, and the page that shows it. */
@Controller()
export class DocsController {
  readonly #document: Served;
  readonly #assets = docsAssets();

  constructor(@Inject(openApiDocumentToken) document: object) {
    const body = Buffer.from(JSON.stringify(document));
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    this.#document = { type: 'application/json; charset=utf-8', body, etag };
  }

  @Get('openapi.json')
  openApi(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    serve(this.#document, request, reply);
  }

  /** The page's links are relative to `/docs/`. */
  @Get('docs')
  docs(@Res() reply: FastifyReply): void {
    void reply.redirect('docs/', 302);
  }

  @Get('docs/*')
  asset(@Param('*') name: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const found = this.#assets.get(name);
    if (found === undefined) throw new NotFoundException();
    reply.header('content-security-policy', docsContentSecurityPolicy);
    serve(found, request, reply);
  }
}

function serve({ type, body, etag }: Served, request: FastifyRequest, reply: FastifyReply): void {
  reply.headers({ etag, 'cache-control': 'no-cache' });
  if (request.headers['if-none-match'] === etag) void reply.status(304).send();
  else void reply.header('content-type', type).send(body);
}
