// A service and a gateway of CommonJS: the libraries are ESM, and come by require(esm).
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { GrpcChannel, GrpcController, GrpcServer, PassOnFilter } from '@rollcall/grpc';
import { transcoderAdapter, TranscoderModule } from '@rollcall/transcoder';
import { from, map, type Observable } from 'rxjs';
import type { Order, PriceItemsRequest, PriceItemsResponse } from '../src/gen/acme/orders/v1/orders.js';
import { contract, services } from '../src/gen/contract.js';

const none = (): Promise<never> => Promise.reject(new Error('not of this test'));

@GrpcController(contract, 'acme.orders.v1.OrderService')
class Orders {
  createOrder(): Promise<Order> {
    return none();
  }

  getOrder(): Promise<Order> {
    return none();
  }

  cancelOrder() {
    return {};
  }

  streamOrders(): Observable<Order> {
    return from([]);
  }

  importOrders() {
    return { created: 0 };
  }

  priceItems(requests: Observable<PriceItemsRequest>): Observable<PriceItemsResponse> {
    return requests.pipe(map(({ sku }) => ({ sku, price: '450' })));
  }
}

@Module({ controllers: [Orders], providers: [{ provide: APP_FILTER, useClass: PassOnFilter }] })
class ServiceModule {}

async function main(): Promise<void> {
  const server = new GrpcServer({
    listen: '127.0.0.1:0',
    serve: [{ contract, services }],
    errorDomain: 'orders.acme.example',
  });
  const service = await NestFactory.createMicroservice(ServiceModule, { strategy: server, logger: ['error'] });
  await service.listen();
  const channel = new GrpcChannel(server.address);
  const imports = [TranscoderModule.register({ contracts: [contract], services, channelFor: () => channel })];
  @Module({ imports })
  class GatewayModule {}
  const gateway = await NestFactory.create<NestFastifyApplication>(GatewayModule, transcoderAdapter(), {
    bodyParser: false,
    logger: ['error'],
  });
  await gateway.listen(0, '127.0.0.1');
  const response = await fetch(`${await gateway.getUrl()}/v1/items:price`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '[{"sku":"tea"}]',
  });
  console.log(response.status, await response.text());
  await gateway.close();
  channel.close();
  await service.close();
}

void main();
