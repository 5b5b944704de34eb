import {
  type CallHandler,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Injectable,
  Module,
  type NestInterceptor,
  SetMetadata,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { map, type Observable, of, tap, timeout } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { ask, seen, send, until } from '../shelf.ts';
import { startApp } from './start-app.ts';

const book = '/v1/shelves/1/books/2';
const name = book.slice('/v1/'.length);

@Controller('own')
class OwnController {
  @Get()
  own(): object {
    return { name: 'own' };
  }
}

/** An interceptor from what it does with an answer. */
function interceptor(intercept: (answer: Observable<object>, context: ExecutionContext) => Observable<unknown>) {
  return { intercept: (context: ExecutionContext, next: CallHandler<object>) => intercept(next.handle(), context) };
}

function startWith(...interceptors: NestInterceptor[]) {
  const setUp = (app: NestFastifyApplication): void => void app.useGlobalInterceptors(...interceptors);
  return startApp({ controllers: [OwnController], setUp });
}

describe('an interceptor', () => {
  it.each([
    ['an own route', '/own', { name: 'own', seen: true }],
    ['a derived one', book, { name, etag: 'v1', seen: true }],
  ])('maps the answer of %s', async (_, path, expected) => {
    await using rest = await startWith(
      interceptor((answer) => answer.pipe(map((value) => ({ ...value, seen: true })))),
    );
    const answer = await ask(rest, path);
    expect([answer.status, answer.json]).toMatchObject([200, expected]);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  });

  it('leaves the status and the headers that go with an answer', async () => {
    await using rest = await startWith(interceptor((answer) => answer));
    const created = await send(rest, 'POST', '/v1/shelves/1/books', { name: '2' });
    expect([created.status, created.headers.location, created.headers.etag]).toEqual([201, book, '"v1"']);
    const known = await ask(rest, book, { headers: { 'if-none-match': '"v1"' } });
    expect([known.status, known.text]).toEqual([304, '']);
  });

  it('sees an answer that it does not map as it is without one', async () => {
    await using plain = await startApp();
    const values: unknown[] = [];
    await using rest = await startWith(interceptor((answer) => answer.pipe(tap((value) => values.push(value)))));
    expect((await ask(rest, book)).text).toBe((await ask(plain, book)).text);
    expect(values).toMatchObject([{ name, etag: 'v1' }]);
  });

  it.each([
    ['GET', '/own', undefined],
    ['GET', book, undefined],
    ['POST', '/v1/shelves/1/books', '{"name":"2"}'],
    ['GET', '/v1/books:stream?count=3', undefined],
  ])('answers %s %s early, as a cache does', async (verb, path, body) => {
    await using rest = await startWith(interceptor(() => of({ kept: true })));
    const headers = { 'content-type': 'application/json' };
    const answer = await ask(rest, path, { verb, ...(body && { body, headers }) });
    expect([answer.status < 300, answer.json]).toEqual([true, { kept: true }]);
  });

  it('leaves streams as they are, and hears of their end', async () => {
    const values: unknown[] = [];
    await using rest = await startWith(interceptor((answer) => answer.pipe(tap((value) => values.push(value)))));
    expect((await ask(rest, '/v1/books:stream?count=2')).text.trim().split('\n')).toHaveLength(2);
    await until(() => values.length > 0);
    expect(values).toEqual([undefined]);
  });

  it('with timeout() answers 504, and cancels the call', async () => {
    seen.cancelled = [];
    await using rest = await startWith(interceptor((answer) => answer.pipe(timeout(50))));
    const late = await ask(rest, '/v1/shelves/1/books/slow');
    expect([late.status, late.json.code]).toEqual([504, 'DEADLINE_EXCEEDED']);
    await until(() => seen.cancelled.length > 0);
    expect(seen.cancelled).toEqual(['getBook']);
  });

  it('knows a derived route by the name of its handler and its class', async () => {
    const names: string[] = [];
    const note = (context: ExecutionContext) => names.push(`${context.getClass().name}.${context.getHandler().name}`);
    await using rest = await startWith(interceptor((answer, context) => (note(context), answer)));
    await ask(rest, '/own');
    await ask(rest, book);
    expect(names).toEqual(['OwnController.own', 'testing.v1.ShelfService.getBook']);
  });
});

@Injectable()
class Roles {
  readonly known = ['reader'];
}

@Module({ providers: [Roles], exports: [Roles] })
class RolesModule {}

@Injectable()
class RolesGuard implements CanActivate {
  constructor(
    private readonly roles: Roles,
    private readonly reflector: Reflector,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    asked.push(context.getHandler().name);
    return this.roles.known.includes(this.reflector.get<string>('role', context.getHandler()));
  }
}

let asked: string[] = [];

describe('the option route', () => {
  beforeEach(() => void (asked = []));

  it('puts guards and metadata on one derived route, with what its guards ask for', async () => {
    await using rest = await startApp({
      options: {
        imports: [RolesModule],
        route: ({ name: method }) =>
          method === 'GetBook'
            ? [UseGuards(RolesGuard), SetMetadata('role', 'reader')]
            : method === 'ListBooks'
              ? [UseGuards(RolesGuard), SetMetadata('role', 'writer')]
              : [],
      },
    });
    expect((await ask(rest, book)).status).toBe(200);
    expect((await ask(rest, '/v1/books')).json).toMatchObject({ status: 403, code: 'PERMISSION_DENIED' });
    expect((await send(rest, 'POST', '/v1/shelves/1/books', {})).status).toBe(201);
    expect(asked).toEqual(['getBook', 'listBooks']);
  });

  it('puts an interceptor on one derived route', async () => {
    class Seen implements NestInterceptor {
      intercept(_: ExecutionContext, next: CallHandler<object>): Observable<object> {
        return next.handle().pipe(map((answer) => ({ ...answer, seen: true })));
      }
    }
    const route = ({ name: method }: { name: string }) => (method === 'GetBook' ? [UseInterceptors(Seen)] : []);
    await using rest = await startApp({ options: { route } });
    expect((await ask(rest, book)).json).toMatchObject({ name, seen: true });
    expect((await ask(rest, '/v1/books')).json).not.toHaveProperty('seen');
  });
});
