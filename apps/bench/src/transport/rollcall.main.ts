// The variant `rollcall`: libs/grpc, with a guard, a filter, and the validation of the contract.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import { GrpcController, GrpcServer, PassOnFilter, fromIterable } from '@rollcall/grpc';
import { testingContract } from '@rollcall/contract/testing';
import { Guard } from './enhancers.ts';
import { books, service } from './shelf.ts';

class ShelfController {}
for (const { localName } of testingContract.methods.values()) {
  const handlers: Record<string, (request: never) => unknown> = {
    readFile: ({ path }: { path: string }) => ({ path }),
    streamBooks: (request: { count: number; perMessage: number }) => fromIterable(() => books(request)),
  };
  const value = handlers[localName] ?? (() => Promise.reject(new Error('not measured')));
  Object.defineProperty(ShelfController.prototype, localName, { value, writable: true, configurable: true });
}
GrpcController(testingContract, service)(ShelfController);

@Module({ controllers: [ShelfController], providers: [{ provide: APP_FILTER, useClass: PassOnFilter }] })
class ShelfModule {}

const app = await NestFactory.createMicroservice(ShelfModule, {
  strategy: new GrpcServer({
    errorDomain: 'rollcall',
    listen: process.env['LISTEN'] ?? '',
    serve: [{ contract: testingContract, services: [service] }],
    drainMs: 100,
  }),
  logger: ['fatal', 'error'],
});
app.useGlobalGuards(new Guard());
app.enableShutdownHooks();
await app.listen();
