import { Controller, Get, NotFoundException, Param, Req, Res } from '@nestjs/common';
import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';
import { preferredCoding } from '@rollcall/transcoder';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { encodings, type PageFile, readPage } from './files.ts';
import { pageHeaders } from './headers.ts';
import { serveAsset } from './serve-asset.ts';

/** The page for people. */
@Controller()
export class PageController {
  readonly #page = readPage();

  @Get()
  start(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    reply.headers(pageHeaders);
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

/** Serves a file in the encoding that the browser likes best. @throws RpcError when it takes none */
function servePageFile(file: PageFile, request: FastifyRequest, reply: FastifyReply, caching?: string): void {
  const made = encodings.filter((each) => file.has(each));
  const encoding = preferredCoding(request.headers['accept-encoding'], made);
  const asset = encoding && file.get(encoding);
  addVary(reply, 'accept-encoding');
  if (asset === undefined) {
    const message = `The answer comes in one of the encodings ${made.join(', ')}.`;
    throw new RpcError(Status.INVALID_ARGUMENT, 'NOT_ACCEPTABLE', message);
  }
  if (encoding !== 'identity') reply.header('content-encoding', encoding);
  serveAsset(asset, request, reply, caching);
}

/** Adds to what the answer depends on: CORS has said `Origin` there, when it is on. */
function addVary(reply: FastifyReply, name: string): void {
  const before = reply.getHeader('vary');
  reply.header('vary', before === undefined ? name : `${String(before)}, ${name}`);
}
