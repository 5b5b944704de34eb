import 'reflect-metadata';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Metadata, status as Status } from '@grpc/grpc-js';
import { GrpcChannel, RpcError } from '@rollcall/grpc';
import { batchClient } from '@rollcall/grpc-batching';
import { firstValueFrom, from, lastValueFrom, toArray } from 'rxjs';
import type { CreateOrderRequest, OrderServiceClient } from '../src/gen/acme/orders/v1/orders.js';
import { contract } from '../src/gen/contract.js';
import { createService } from '../src/service/service.js';

const folder = mkdtempSync(join(tmpdir(), 'orders-'));
const target = `unix://${folder}/orders.sock`;
const { app } = await createService(target);
const channel = new GrpcChannel(target, { contracts: [contract], unaryCalls: batchClient() });
const orders = channel.client<OrderServiceClient>(contract, 'acme.orders.v1.OrderService');

/** Options of a call, which stand behind its request. */
const metadata = new Metadata();
metadata.set('x-api-key', 'open sesame');
const options = { metadata };

before(() => app.listen());
after(async () => {
  channel.close();
  await app.close();
  rmSync(folder, { recursive: true });
});

const order = (sku: string, quantity = 1): CreateOrderRequest => ({
  order: { id: '0', sku, quantity, createTime: null, attributes: null },
});

test('an order is placed, got and cancelled', async () => {
  const request = order('tea', 2);
  request.order!.attributes = { fields: { gift: { boolValue: true } } };
  const created = await firstValueFrom(orders.createOrder(request, options));
  const got = await firstValueFrom(orders.getOrder({ id: created.id }, options));
  assert.deepEqual(got, created);
  assert.deepEqual(got.attributes, { fields: { gift: { boolValue: true } } });
  assert.deepEqual(await firstValueFrom(orders.cancelOrder({ id: created.id }, options)), {});
});

test('errors have the reasons of this service', async () => {
  const error = await firstValueFrom(orders.getOrder({ id: '404' }, options)).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof RpcError);
  assert.deepEqual([error.code, error.reason], [Status.NOT_FOUND, 'ORDER_NOT_FOUND']);
});

test('the guard refuses who does not know the key', async () => {
  await assert.rejects(firstValueFrom(orders.getOrder({ id: '1' })), { reason: 'API_KEY_REFUSED' });
});

test('the rules of the proto are kept', async () => {
  await assert.rejects(firstValueFrom(orders.createOrder(order('tea', 0), options)), { reason: 'INVALID_FIELD' });
});

test('streams in each direction', async () => {
  const { created } = await lastValueFrom(orders.importOrders(from([order('tea'), order('coffee')]), options));
  assert.equal(created, 2);
  const streamed = await lastValueFrom(orders.streamOrders({ afterId: '0' }, options).pipe(toArray()));
  assert.deepEqual(
    streamed.slice(-2).map(({ sku }) => sku),
    ['tea', 'coffee'],
  );
  const priced = orders.priceItems(from([{ sku: 'coffee' }, { sku: 'tea' }]), options);
  assert.deepEqual(await lastValueFrom(priced.pipe(toArray())), [
    { sku: 'coffee', price: '620' },
    { sku: 'tea', price: '450' },
  ]);
});
