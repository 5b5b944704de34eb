import { Module } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import { GrpcServer, PassOnFilter } from '@rollcall/grpc';
import { batchServer } from '@rollcall/grpc-batching';
import { contract, services } from '../gen/contract.js';
import { Orders } from './orders.js';
import { OrdersController } from './orders.controller.js';

@Module({
  controllers: [OrdersController],
  providers: [Orders, { provide: APP_FILTER, useClass: PassOnFilter }],
})
class ServiceModule {}

/** Builds the service; `app.listen()` starts it, and then `server.address` says where. */
export async function createService(listen: string) {
  const server = new GrpcServer({
    listen,
    serve: [{ contract, services }],
    errorDomain: 'orders.acme.example',
    plugins: [batchServer()],
    drainMs: 1000,
  });
  const app = await NestFactory.createMicroservice(ServiceModule, { strategy: server, logger: ['warn', 'error'] });
  return { app, server };
}
