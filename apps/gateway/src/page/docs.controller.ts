import { createHash } from 'node:crypto';
import { Controller, Get, Inject, NotFoundException, Param, Req, Res } from '@nestjs/common';
import { type Asset, docsAssets } from '@rollcall/openapi';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { docsHeaders } from './headers.ts';
import { serveAsset } from './serve-asset.ts';

/** The token of the OpenAPI document. */
export const openApiDocumentToken = Symbol('OpenAPI document');

/** The OpenAPI document, and the page that shows it. */
@Controller()
export class DocsController {
  readonly #document: Asset;
  readonly #assets = docsAssets();

  constructor(@Inject(openApiDocumentToken) document: object) {
    const body = Buffer.from(JSON.stringify(document));
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    this.#document = { type: 'application/json; charset=utf-8', body, etag };
  }

  @Get('openapi.json')
  openApi(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    serveAsset(this.#document, request, reply);
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
    reply.headers(docsHeaders);
    serveAsset(found, request, reply);
  }
}
