/** Stock Nest, the negative control: what the suite says of libs/grpc has to be untrue of it. */
import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Metadata, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { type CanActivate, Controller, Module, type RpcExceptionFilter, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  type ClientGrpcProxy,
  ClientProxyFactory,
  GrpcMethod,
  type GrpcOptions,
  GrpcStreamMethod,
  type MicroserviceOptions,
  Transport,
} from '@nestjs/microservices';
import { type Method } from '@rollcall/contract';
import { rollcallContract } from '@rollcall/proto';
import { type shelf, testingContract } from '@rollcall/contract/testing';
import type { Handlers } from '../../shelf-service.ts';

const serviceName = 'testing.v1.ShelfService';
const packageDefinition = loadFileDescriptorSetFromBuffer(Buffer.from(testingContract.image), {
  keepCase: false,
  longs: String,
  enums: String,
  defaults: true,
  oneofs: true,
});

/** What Nest passes to a handler behind the request. */
export type StockHandlers = {
  [Name in keyof Handlers]?: (request: never, metadata: Metadata, call: never) => unknown;
};

export interface StockService extends AsyncDisposable {
  readonly target: string;
  close(): Promise<void>;
}

export interface StockOptions {
  /** Where to listen; a unix socket of its own by default. */
  readonly target?: string;
  readonly guard?: CanActivate;
  readonly filter?: RpcExceptionFilter;
  /** Further options of Nest's gRPC transport. */
  readonly grpc?: Partial<GrpcOptions['options']>;
}

/** Makes an app of Nest's own gRPC transport that serves the shelf service; nothing listens yet. */
export async function createStock(handlers: StockHandlers, target: string, options: StockOptions = {}) {
  class StockModule {}
  Module({ controllers: [stockController(handlers)] })(StockModule);
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(StockModule, {
    ...grpcOptions(target, options.grpc),
    logger: false,
  });
  if (options.guard !== undefined) app.useGlobalGuards(options.guard);
  if (options.filter !== undefined) app.useGlobalFilters(options.filter);
  return app;
}

/** Starts a shelf service on Nest's own gRPC transport. */
export async function startStock(handlers: StockHandlers, options: StockOptions = {}): Promise<StockService> {
  const directory = mkdtempSync(join(tmpdir(), 'stock-'));
  const target = options.target ?? `unix://${directory}/grpc.sock`;
  const app = await createStock(handlers, target, options);
  await app.listen();
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= app.close());
  return {
    target,
    close,
    async [Symbol.asyncDispose]() {
      await close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The methods of Nest's client, each with the request, and what grpc-js takes behind it. */
export type StockClient = {
  [Name in keyof shelf.ShelfServiceClient]: (
    request: Parameters<shelf.ShelfServiceClient[Name]>[0],
    metadata?: Metadata,
    options?: { deadline: number },
  ) => ReturnType<shelf.ShelfServiceClient[Name]>;
};

/** Nest's own client of a shelf service. */
export function connectStock(target: string): Disposable & { client: StockClient } {
  const proxy = ClientProxyFactory.create(grpcOptions(target)) as unknown as ClientGrpcProxy;
  const client = proxy.getService<StockClient>('ShelfService');
  return { client, [Symbol.dispose]: () => proxy.close() };
}

function grpcOptions(url: string, further: Partial<GrpcOptions['options']> = {}): GrpcOptions {
  return { transport: Transport.GRPC, options: { package: 'testing.v1', packageDefinition, url, ...further } };
}

function stockController(handlers: StockHandlers): Type {
  class StockController {}
  for (const method of testingContract.methods.values()) {
    const value = method.service === serviceName ? handlers[method.localName as keyof Handlers] : undefined;
    if (value !== undefined) handle(StockController, method, (...args: Parameters<typeof value>) => value(...args));
  }
  Controller()(StockController);
  return StockController;
}

/** Applies Nest's decorator, which may put another function in the method's place. */
function handle(controller: Type, { localName, name, requestStream }: Method, value: unknown): void {
  const decorate = requestStream ? GrpcStreamMethod : GrpcMethod;
  const descriptor: PropertyDescriptor = { value, writable: true, configurable: true };
  decorate('ShelfService', name)(controller.prototype as object, localName, descriptor);
  Object.defineProperty(controller.prototype, localName, descriptor);
}

/** What an app of stock Nest has to add for its health to be watched. */
export function serveHealth(server: {
  addService(service: ServiceDefinition, handlers: UntypedServiceImplementation): void;
}): void {
  const definition = loadFileDescriptorSetFromBuffer(Buffer.from(rollcallContract.image))['grpc.health.v1.Health'];
  server.addService(definition as ServiceDefinition, {
    check: (_: unknown, respond: (error: null, answer: object) => void) => respond(null, { status: 1 }),
    watch: (call: { write(answer: object): void }) => call.write({ status: 1 }),
  });
}
