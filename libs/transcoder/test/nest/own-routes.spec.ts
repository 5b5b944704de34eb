import {
  type ArgumentsHost,
  BadRequestException,
  Body,
  type CanActivate,
  Catch,
  ConflictException,
  Controller,
  type ExceptionFilter,
  Get,
  GoneException,
  Header,
  HttpException,
  ImATeapotException,
  NotFoundException,
  Param,
  Post,
  UnprocessableEntityException,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { RpcError } from '@rollcall/grpc';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { securityHeaders } from '../../src/http/security-headers.ts';
import { ask, type Rest, send } from '../shelf.ts';
import { startApp } from './start-app.ts';

const book = '/v1/shelves/1/books/2';
const path = '/v1/shelves/1/books';
const dune = { name: 'dune' };

const exceptions: Readonly<Record<string, HttpException>> = {
  402: new HttpException('Pay first', 402),
  404: new NotFoundException('Order 7 is unknown'),
  409: new ConflictException('Taken'),
  410: new GoneException('It was here once'),
  418: new ImATeapotException('Short and stout'),
  422: new UnprocessableEntityException('No such colour'),
  429: new HttpException('Wait', 429),
  // What a ValidationPipe throws.
  400: new BadRequestException(['name must be a string', 'age must be a number']),
};

function exceptionOf(status: string | undefined): HttpException {
  return exceptions[status ?? ''] ?? new HttpException('No such case', 500);
}

@Controller('own')
class OwnController {
  @Get('throws/:status')
  throws(@Param('status') status: string): never {
    throw exceptionOf(status);
  }

  @Post('echo')
  echo(@Body() body: unknown): object {
    return { body };
  }

  @Get('page')
  @Header('content-type', 'text/html')
  page(): string {
    return '<h1>Orders</h1>';
  }
}

/** Throws on derived routes what a header names, as ThrottlerGuard does. */
class ThrowingGuard implements CanActivate {
  canActivate(context: { switchToHttp(): { getRequest(): FastifyRequest } }): boolean {
    const { throws } = context.switchToHttp().getRequest().headers;
    if (throws !== undefined) throw exceptionOf(String(throws));
    return true;
  }
}

describe.each([
  ['transcoderAdapter()', undefined],
  ['a FastifyAdapter', () => new FastifyAdapter()],
])('own routes beside derived ones, with %s', (_, adapter) => {
  let rest: Rest;
  beforeAll(async () => {
    const providers = [{ provide: APP_GUARD, useClass: ThrowingGuard }];
    rest = await startApp({ controllers: [OwnController], providers, ...(adapter && { adapter: adapter() }) });
  });
  afterAll(() => rest[Symbol.asyncDispose]());

  it.each(Object.keys(exceptions))('keep the body and the status of an HttpException with %s', async (status) => {
    const answer = await ask(rest, `/own/throws/${status}`);
    expect(answer.status).toBe(Number(status));
    const expected = exceptionOf(status).getResponse();
    expect(answer.json).toEqual(typeof expected === 'string' ? { statusCode: +status, message: expected } : expected);
  });

  it('keep their own answer at a path that nobody has', async () => {
    expect((await ask(rest, '/nowhere')).json).toMatchObject({ message: 'Cannot GET /nowhere', statusCode: 404 });
  });

  it('are given their bodies, of each type that the app parses', async () => {
    expect((await send(rest, 'POST', '/own/echo', dune)).json).toEqual({ body: dune });
    const form = { verb: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'name=dune' };
    expect((await ask(rest, '/own/echo', form)).json).toEqual({ body: dune });
  });

  it('get a body that waits to be asked for', async () => {
    const headers = { expect: '100-continue' };
    expect((await send(rest, 'POST', '/own/echo', dune, headers)).json).toEqual({ body: dune });
  });

  it('have none of the headers of derived ones', async () => {
    const { headers } = await ask(rest, '/own/page');
    expect(Object.keys(securityHeaders).filter((name) => name in headers)).toEqual([]);
  });

  it('leave bodies to the derived ones, with a type, without one, and of a type that is refused', async () => {
    const named = { body: { name: `shelves/1/books/${dune.name}` } };
    expect((await send(rest, 'POST', path, dune)).json).toMatchObject(named.body);
    expect((await ask(rest, path, { verb: 'POST', body: JSON.stringify(dune) })).json).toMatchObject(named.body);
    const text = await ask(rest, path, { verb: 'POST', headers: { 'content-type': 'text/csv' }, body: 'dune' });
    expect([text.status, text.json.reason]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
  });

  it.each(Object.keys(exceptions))('a guard that throws %s is heard as that on derived ones', async (status) => {
    const answer = await ask(rest, book, { headers: { throws: status } });
    const detail = status === '400' ? 'name must be a string; age must be a number' : exceptionOf(status).message;
    expect(answer.json).toMatchObject({ status: Number(status), detail });
    expect(answer.headers['content-type']).toBe('application/problem+json');
  });
});

@Catch(RpcError)
class OwnFilter implements ExceptionFilter {
  catch(error: RpcError, host: ArgumentsHost): void {
    void host.switchToHttp().getResponse<FastifyReply>().status(499).send({ own: error.reason });
  }
}

describe('filters of the app', () => {
  it.each([
    ['APP_FILTER', { providers: [{ provide: APP_FILTER, useClass: OwnFilter }] }],
    ['useGlobalFilters', { setUp: (app: NestFastifyApplication) => void app.useGlobalFilters(new OwnFilter()) }],
    ['APP_FILTER of each request', { providers: [{ provide: APP_FILTER, useClass: OwnFilter, scope: 2 }] }],
  ])('by %s get the errors of derived routes that they catch, and no others', async (_, options) => {
    const guard = { provide: APP_GUARD, useClass: ThrowingGuard };
    const providers = 'providers' in options ? [guard, ...options.providers] : [guard];
    await using rest = await startApp({ ...options, providers });
    const missing = await ask(rest, '/v1/shelves/1/books/missing');
    expect([missing.status, missing.json]).toEqual([499, { own: 'USER_NOT_FOUND' }]);
    const denied = await ask(rest, book, { headers: { throws: '409' } });
    expect([denied.status, denied.json.detail]).toEqual([409, 'Taken']);
  });
});
