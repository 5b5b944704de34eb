import { Controller, Get, NotFoundException, Param, Req, Res } from '@nestjs/common';
import { readAsset } from '@rollcall/openapi';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { pageHeaders } from '../page/headers.ts';
import { serveAsset } from '../page/serve-asset.ts';

/** Beside `src` in the sources and beside `dist` in a build. */
const folder = new URL('../../sign-in/', import.meta.url);

/** The page that links to sign in by lead to: `/sign-in#SECRET`. What stands behind `#` no browser sends. */
@Controller('sign-in')
export class SignInPageController {
  readonly #page = readAsset(new URL('sign-in.html', folder));
  readonly #files = new Map(
    ['sign-in.js', 'sign-in.css', 'favicon.svg'].map((name) => [name, readAsset(new URL(name, folder))]),
  );

  @Get()
  page(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    reply.headers(pageHeaders);
    serveAsset(this.#page, request, reply);
  }

  @Get(':name')
  file(@Param('name') name: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const found = this.#files.get(name);
    if (found === undefined) throw new NotFoundException();
    serveAsset(found, request, reply);
  }
}
