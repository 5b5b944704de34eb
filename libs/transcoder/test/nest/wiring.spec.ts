import { status as Status } from '@grpc/grpc-js';
import { Controller, Get, Module, RequestMethod, VersioningType } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { codecsOf } from '@rollcall/contract';
import { type shelf, testingContract } from '@rollcall/contract/testing';
import { RpcError } from '@rollcall/grpc';
import { Observable, of, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Problem } from '../../src/problem/problem.ts';
import type { Channel } from '../../src/options.ts';
import { transcoderAdapter } from '../../src/transcoder.adapter.ts';
import { TranscoderModule } from '../../src/transcoder.module.ts';
import { ask, send, shelfOptions } from '../shelf.ts';
import { startApp } from './start-app.ts';

const book = '/v1/shelves/1/books/2';
const rpc = '/testing.v1.ShelfService/Unruled';
const services = ['testing.v1.ShelfService'];

@Controller('own')
class OwnController {
  @Get()
  own(): object {
    return { own: true };
  }
}

const controllers = [OwnController];

describe('a global prefix', () => {
  const setUp = (app: NestFastifyApplication): void => void app.setGlobalPrefix('api/');

  it('is what all routes begin with, own and derived', async () => {
    await using rest = await startApp({ controllers, setUp });
    for (const path of ['/own', book, '/v1/books:stream?count=1'])
      expect([(await ask(rest, `/api${path}`)).status, (await ask(rest, path)).status]).toEqual([200, 404]);
    expect((await send(rest, 'POST', `/api${rpc}`, {})).status).toBe(200);
    expect((await ask(rest, `/api${book}`, { verb: 'PROPPATCH' })).status).toBe(405);
  });

  it('stands in the paths that answers name', async () => {
    await using rest = await startApp({ setUp });
    const created = await send(rest, 'POST', '/api/v1/shelves/1/books', { name: '2' });
    expect(created.headers.location).toBe(`/api${book}`);
    expect((await ask(rest, '/api/v1/books')).headers.link).toContain('</api/v1/books?');
  });

  it('that leaves derived routes out is refused at start', async () => {
    const exclude = [{ path: '{*path}', method: RequestMethod.ALL }];
    const start = startApp({ setUp: (app) => void app.setGlobalPrefix('api', { exclude }) });
    await expect(start).rejects.toThrow('setGlobalPrefix may exclude none of them');
  });
});

describe('versioning', () => {
  it.each([
    ['by URI', { type: VersioningType.URI, defaultVersion: '1' } as const, '/v1/own', {}],
    ['by header', { type: VersioningType.HEADER, header: 'x-v', defaultVersion: '1' } as const, '/own', { 'x-v': '1' }],
  ])('%s is for own routes: those of the contract have theirs in it', async (_, versioning, own, headers) => {
    await using rest = await startApp({ controllers, setUp: (app) => void app.enableVersioning(versioning) });
    expect((await ask(rest, own, { headers })).json).toEqual({ own: true });
    expect((await ask(rest, book, { headers })).status).toBe(200);
  });
});

describe('two TranscoderModules', () => {
  it('serve side by side, each at its prefix', async () => {
    await using rest = await startApp({
      controllers,
      modules: (shelf) => [
        TranscoderModule.register({ ...shelfOptions(shelf), prefix: 'a' }),
        TranscoderModule.register({ ...shelfOptions(shelf), prefix: '/b/', unannotatedMethods: 'hide' }),
      ],
    });
    for (const path of [`/a${book}`, `/b${book}`, '/own']) expect((await ask(rest, path)).status).toBe(200);
    expect((await ask(rest, book)).status).toBe(404);
    expect((await ask(rest, `/b${book}`, { verb: 'POST' })).status).toBe(405);
    expect((await send(rest, 'POST', `/a${rpc}`, {})).status).toBe(200);
    expect((await send(rest, 'POST', `/b${rpc}`, {})).status).toBe(404);
  });

  it('with one route for both are refused at start', async () => {
    const start = startApp({
      modules: (shelf) => [
        TranscoderModule.register(shelfOptions(shelf)),
        TranscoderModule.register(shelfOptions(shelf)),
      ],
    });
    await expect(start).rejects.toThrow(/is derived by two TranscoderModules: give one a prefix/);
  });
});

it('hides methods without an HTTP rule, of every protocol, when it is told to', async () => {
  await using rest = await startApp({ options: { unannotatedMethods: 'hide' } });
  expect((await send(rest, 'POST', rpc, {})).status).toBe(404);
  expect((await send(rest, 'POST', rpc, {}, { 'connect-protocol-version': '1' })).status).toBe(404);
});

const channelToken = Symbol('channel');

describe('registerAsync', () => {
  it('takes how calls are made from a factory, with what an imported module has', async () => {
    await using rest = await startApp({
      modules: ({ channel }) => {
        @Module({ providers: [{ provide: channelToken, useValue: channel }], exports: [channelToken] })
        class ChannelModule {}
        return [
          TranscoderModule.registerAsync({
            contracts: [testingContract],
            services,
            imports: [ChannelModule],
            inject: [channelToken],
            useFactory: (given: Channel) => Promise.resolve({ channelFor: () => given, maxBodyBytes: 10 }),
          }),
        ];
      },
    });
    expect((await ask(rest, book)).status).toBe(200);
    expect((await send(rest, 'POST', '/v1/shelves/1/books', { name: 'longer' })).status).toBe(413);
  });
});

describe('upstreams', () => {
  it('are connected to, by their targets, and closed with the app', async () => {
    await using rest = await startApp({
      modules: ({ directory }) => [
        TranscoderModule.register({
          contracts: [testingContract],
          services,
          upstreams: [{ target: `unix://${directory}/grpc.sock`, services }],
        }),
      ],
    });
    expect((await ask(rest, book)).status).toBe(200);
  });

  it.each([
    ['of which none has a service', { upstreams: [] }, 'upstreams: 0 of them have testing.v1.ShelfService, not one'],
    ['that are not named', {}, 'TranscoderModule needs either upstreams or channelFor'],
  ])('%s are refused at start', async (_, settings, sentence) => {
    const modules = () => [TranscoderModule.register({ contracts: [testingContract], services, ...settings })];
    await expect(startApp({ modules })).rejects.toThrow(sentence);
  });
});

const codecs = codecsOf(testingContract);

/** A channel without a server: every call is answered with a book, and every stream with two. */
const fake: Channel = {
  call: (method, input) => {
    if (input instanceof Observable)
      return throwError(() => new RpcError(Status.UNIMPLEMENTED, '', 'No uploads here.'));
    const codec = codecs.get(method.path);
    const number = (value: string) => method.decode(codec?.encodeResponse({ books: [{ number: value }] }) ?? nothing);
    return method.responseStream
      ? of(number('1'), number('2'))
      : of(method.decode(codec?.encodeResponse({ name: 'b' }) ?? nothing));
  },
};
const nothing = Buffer.alloc(0);

describe('a testing module', () => {
  const options = { contracts: [testingContract], services, channelFor: () => fake };

  it('compiles without an adapter', async () => {
    const module = await Test.createTestingModule({ imports: [TranscoderModule.register(options)] }).compile();
    expect(module.get(TranscoderModule)).toBeInstanceOf(TranscoderModule);
    await module.close();
  });

  it.each([
    ['transcoderAdapter()', () => transcoderAdapter()],
    ['a FastifyAdapter', () => new FastifyAdapter()],
  ])('makes an app of %s, which answers what is injected, with a fake channel', async (_, adapter) => {
    const module = await Test.createTestingModule({ imports: [TranscoderModule.register(options)] }).compile();
    const app = module.createNestApplication<NestFastifyApplication>(adapter(), { logger: false });
    await app.init();
    const answer = await app.inject({ method: 'GET', url: book });
    expect([answer.statusCode, answer.json<shelf.Book>().name]).toEqual([200, 'b']);
    const posted = await app.inject({ method: 'POST', url: '/v1/shelves/1/books', payload: { name: 'b' } });
    expect(posted.statusCode).toBe(201);
    const refused = await app.inject({ method: 'POST', url: '/v1/shelves/1/books', payload: { title: 'b' } });
    expect([refused.statusCode, refused.json<Problem>().reason]).toEqual([400, 'INVALID_FIELD']);
    const stream = await app.inject({ method: 'GET', url: '/v1/books:stream' });
    expect([stream.statusCode, stream.payload.trim().split('\n').length]).toEqual([200, 2]);
    await app.close();
  });
});

it('is refused at start in an app of another adapter', async () => {
  class Other extends FastifyAdapter {
    override getType(): never {
      return 'express' as never;
    }
  }
  @Module({ imports: [TranscoderModule.register({ contracts: [testingContract], services, channelFor: () => fake })] })
  class AppModule {}
  const app = await NestFactory.create(AppModule, new Other(), { abortOnError: false, logger: false });
  await expect(app.init()).rejects.toThrow(
    "TranscoderModule needs an app of Nest's FastifyAdapter, and this one is of express",
  );
  await app.close();
});

it('refuses at start a method that answers with bytes of any type', () => {
  const methods = new Map(testingContract.methods);
  const [path, method] = [...methods].find(([, { name }]) => name === 'GetBook') ?? [];
  if (path === undefined || method === undefined) throw new Error('the shelf has no GetBook');
  methods.set(path, { ...method, output: { ...method.output, typeName: 'google.api.HttpBody' } });
  const contracts = [{ ...testingContract, methods }];
  expect(() => TranscoderModule.register({ contracts, services, channelFor: () => fake })).toThrow(
    'testing.v1.ShelfService.GetBook: google.api.HttpBody is not served',
  );
});

it('has nothing for the document of @nestjs/swagger, which would list each verb of each path', () => {
  const { controllers: derived = [] } = TranscoderModule.register({
    contracts: [testingContract],
    services,
    channelFor: () => fake,
  });
  const hidden = derived.map((each) => Reflect.getMetadata('swagger/apiExcludeController', each) as unknown);
  expect(hidden).toEqual([[true], [true]]);
});
