import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CanActivate, Module, type Provider, type Type } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { NestFactory } from '@nestjs/core';
import { type shelf, testingContract } from '@rollcall/contract/testing';
import { throwError } from 'rxjs';
import { type CallContext } from '../src/context/call-context.ts';
import { type ChannelPlugin } from '../src/client/unary-calls.ts';
import { GrpcChannel } from '../src/client/channel.ts';
import { GrpcController } from '../src/server/grpc-controller.ts';
import { GrpcServer, type GrpcServerOptions } from '../src/server/grpc-server.ts';
import { PassOnFilter } from '../src/server/pass-on.filter.ts';

export const shelfServiceName = 'testing.v1.ShelfService';

/** The handlers of a shelf service, each replaceable by a test; a method without one fails. */
export type Handlers = {
  -readonly [Name in keyof shelf.ShelfServiceController]?: (request: never, context: CallContext) => unknown;
};

/** The client in the shape that the generator gives it, with CallOptions behind the request. */
export type Shelf = shelf.ShelfServiceClient;

export interface Service extends AsyncDisposable {
  readonly target: string;
  readonly server: GrpcServer;
  readonly channel: GrpcChannel;
  readonly client: Shelf;
  close(): Promise<void>;
}

/** What a shelf service, and its client, may have beside handlers. */
export interface ShelfOptions extends Partial<GrpcServerOptions> {
  readonly guard?: Type<CanActivate>;
  readonly providers?: Provider[];
  readonly unaryCalls?: ChannelPlugin;
}

/** Starts a shelf service on a unix socket, with a client. */
export async function startShelf(handlers: Handlers, options: ShelfOptions = {}): Promise<Service> {
  const directory = mkdtempSync(join(tmpdir(), 'shelf-'));
  const target = `unix://${directory}/grpc.sock`;
  const { guard, providers = [], unaryCalls, ...serverOptions } = options;
  const server = new GrpcServer({
    errorDomain: 'testing.v1',
    listen: target,
    serve: [{ contract: testingContract, services: [shelfServiceName] }],
    drainMs: 200,
    ...serverOptions,
  });
  @Module({
    controllers: [shelfController(handlers)],
    providers: [{ provide: APP_FILTER, useClass: PassOnFilter }, ...providers],
  })
  class ShelfModule {}
  const app = await NestFactory.createMicroservice(ShelfModule, { strategy: server, logger: false });
  if (guard !== undefined) app.useGlobalGuards(new guard());
  await app.listen();
  const channel = new GrpcChannel(target, {
    defaultDeadlineMs: 60_000,
    unaryCalls,
  }); // for a busy machine
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= app.close());
  return {
    target,
    server,
    channel,
    client: channel.client<Shelf>(testingContract, shelfServiceName),
    close,
    async [Symbol.asyncDispose]() {
      channel.close();
      await close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function shelfController(handlers: Handlers): Type {
  class Controller {}
  for (const method of testingContract.methods.values()) {
    if (method.service !== shelfServiceName) continue;
    const handler = handlers[method.localName as keyof Handlers] as
      | ((request: unknown, context: CallContext) => unknown)
      | undefined;
    const value = (request: unknown, context: CallContext): unknown =>
      handler === undefined ? throwError(() => new Error(`the test has no ${method.name}`)) : handler(request, context);
    Object.defineProperty(Controller.prototype, method.localName, { value, writable: true, configurable: true });
  }
  GrpcController(testingContract, shelfServiceName)(Controller);
  return Controller;
}

/** Waits until a condition holds; the test's own time limit ends the wait. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Waits until a figure has stopped changing: it is the same at several looks in a row. */
export async function settled(figure: () => number, looks = 20): Promise<number> {
  let same = 0;
  let last = figure();
  await until(() => {
    same = figure() === last ? same + 1 : 0;
    last = figure();
    return same >= looks;
  });
  return last;
}
