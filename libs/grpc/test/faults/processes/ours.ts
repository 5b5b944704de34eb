/** A shelf service on libs/grpc without a line that needs a compiler, so that a process of its own can run it. */
import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CanActivate, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type CallContext } from '../../../src/context/call-context.ts';
import { GrpcController } from '../../../src/server/grpc-controller.ts';
import { GrpcServer, type GrpcServerOptions } from '../../../src/server/grpc-server.ts';
import { testingContract } from '@rollcall/contract/testing';
import type { Handlers } from '../../shelf-service.ts';

const serviceName = 'testing.v1.ShelfService';

export interface OursOptions {
  readonly guard?: CanActivate;
  readonly server?: Partial<GrpcServerOptions>;
}

/** Makes an app with no filter and no logger; nothing listens yet. */
export async function createOurs(handlers: Handlers, target: string, { guard, server }: OursOptions = {}) {
  class OursModule {}
  Module({ controllers: [oursController(handlers)] })(OursModule);
  const serve = [{ contract: testingContract, services: [serviceName] }];
  const strategy = new GrpcServer({ errorDomain: 'testing.v1', listen: target, serve, ...server });
  const app = await NestFactory.createMicroservice(OursModule, { strategy, logger: false });
  if (guard !== undefined) app.useGlobalGuards(guard);
  return app;
}

/** Starts such an app on a unix socket. */
export async function startOurs(handlers: Handlers): Promise<AsyncDisposable & { readonly target: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'ours-'));
  const target = `unix://${directory}/grpc.sock`;
  const app = await createOurs(handlers, target);
  await app.listen();
  return {
    target,
    async [Symbol.asyncDispose]() {
      await app.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function oursController(handlers: Handlers): Type {
  class OursController {}
  for (const { service, localName, name } of testingContract.methods.values()) {
    if (service !== serviceName) continue;
    const handler = handlers[localName as keyof Handlers];
    const value = (request: never, context: CallContext): unknown => {
      if (handler === undefined) throw new Error(`the test has no ${name}`);
      return handler(request, context);
    };
    Object.defineProperty(OursController.prototype, localName, { value, writable: true, configurable: true });
  }
  GrpcController(testingContract, serviceName)(OursController);
  return OursController;
}
