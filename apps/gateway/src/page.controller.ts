import { Controller, Get, NotFoundException, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { encodings, type PageFile, readPage } from './page-files.ts';
import { serveAsset } from './serve-asset.ts';

/** Nothing from elsewhere, nothing inline, and no text that becomes markup. */
const contentSecurityPolicy = [
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'",
  "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  "require-trusted-types-for 'script'; trusted-types 'none'",
].join('; ');

/** The page for people. */
@Controller()
export class PageController {
  readonly #page = readPage();

  @Get()
  start(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    reply.header('content-security-policy', contentSecurityPolicy);
    servePageFile(this.#page.start, request, reply);
  }

  /** The name of an asset changes with it, so that browsers need not ask again. */
  @Get('assets/:name')
  asset(@Param('name') name: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const found = this.#page.assets.get(name);
    if (found === undefined) throw new NotFoundException();
    servePageFile(found, request, reply, 'public, max-age=31536000, immutable');
  }
}

/** Serves a file in the best encoding that the browser takes. */
function servePageFile(file: PageFile, request: FastifyRequest, reply: FastifyReply, caching?: string): void {
  const taken = takenEncodings(request.headers['accept-encoding'] ?? '');
  const encoding = encodings.find((each) => file.has(each) && taken.has(each)) ?? 'identity';
  const asset = file.get(encoding);
  if (asset === undefined) throw new NotFoundException();
  reply.header('vary', 'accept-encoding');
  if (encoding !== 'identity') reply.header('content-encoding', encoding);
  serveAsset(asset, request, reply, caching);
}

function takenEncodings(accepted: string): Set<string> {
  const ranges = accepted.split(',').map((range) => range.trim().toLowerCase());
  return new Set([
    'identity',
    ...ranges.filter((range) => !/;\s*q=0(\.0*)?$/.test(range)).map((range) => range.split(';')[0] ?? ''),
  ]);
}
