import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type INestMicroservice, Module, type PipeTransform, UsePipes } from '@nestjs/common';
import { APP_PIPE, NestFactory } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import { type shelf, testingContract } from '@rollcall/contract/testing';
import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { GrpcChannel } from '../../src/client/channel.ts';
import { GrpcController } from '../../src/server/grpc-controller.ts';
import { GrpcServer } from '../../src/server/grpc-server.ts';
import { type Shelf, shelfServiceName } from '../shelf-service.ts';

class Shout implements PipeTransform {
  transform(value: unknown): unknown {
    return typeof value === 'object' && value !== null && 'path' in value
      ? { path: String(value.path).toUpperCase() }
      : value;
  }
}

/** A class whose methods all answer with the path of the request. */
function controllerClass(decorate: (prototype: object, name: string) => void = () => undefined) {
  class Controller {}
  for (const { localName } of testingContract.methods.values()) {
    const value = ({ path }: shelf.ReadFileRequest, context: { method: { name: string } }) => ({
      path: `${path} ${context.method.name}`,
    });
    Object.defineProperty(Controller.prototype, localName, { value, writable: true, configurable: true });
    decorate(Controller.prototype, localName);
  }
  GrpcController(testingContract, shelfServiceName)(Controller);
  return Controller;
}

/** What a service answers to the path `a`. */
async function answer(
  controller: ReturnType<typeof controllerClass>,
  prepare: (app: INestMicroservice) => unknown = () => undefined,
  providers: { provide: string; useClass: typeof Shout }[] = [],
): Promise<string> {
  class PipesModule {}
  Module({ controllers: [controller], providers })(PipesModule);
  const directory = mkdtempSync(join(tmpdir(), 'pipes-'));
  const listen = `unix://${directory}/grpc.sock`;
  const serve = [{ contract: testingContract, services: [shelfServiceName] }];
  const app = await NestFactory.createMicroservice(PipesModule, {
    strategy: new GrpcServer({ errorDomain: 'testing.v1', listen, serve, drainMs: 200 }),
    logger: false,
  });
  prepare(app);
  await app.listen();
  const channel = new GrpcChannel(listen);
  try {
    const client = channel.client<Shelf>(testingContract, shelfServiceName);
    return (await firstValueFrom(client.readFile({ path: 'a' }))).path;
  } finally {
    channel.close();
    await app.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

describe('a pipe', () => {
  it('of the application sees the request', async () => {
    expect(await answer(controllerClass(), (app) => app.useGlobalPipes(new Shout()))).toBe('A ReadFile');
    expect(await answer(controllerClass(), undefined, [{ provide: APP_PIPE, useClass: Shout }])).toBe('A ReadFile');
  });

  it('of the class, of the method or of the parameter sees the request', async () => {
    const ofClass = controllerClass();
    UsePipes(new Shout())(ofClass);
    expect(await answer(ofClass)).toBe('A ReadFile');
    const ofMethod = controllerClass((prototype, name) => {
      const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
      if (descriptor !== undefined) UsePipes(new Shout())(prototype, name, descriptor);
    });
    expect(await answer(ofMethod)).toBe('A ReadFile');
    const ofParameter = controllerClass((prototype, name) => Payload(new Shout())(prototype, name, 0));
    expect(await answer(ofParameter)).toBe('A ReadFile');
  });

  it('of one application is not one of another, though they share the class', async () => {
    const shared = controllerClass();
    expect(await answer(shared)).toBe('a ReadFile');
    expect(await answer(shared, (app) => app.useGlobalPipes(new Shout()))).toBe('A ReadFile');
    expect(await answer(shared)).toBe('a ReadFile');
  });
});
