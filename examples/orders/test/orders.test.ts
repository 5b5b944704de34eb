import 'reflect-metadata';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Metadata, status as Status } from '@grpc/grpc-js';
import { GrpcChannel, RpcError } from '@rollcall/grpc';
import { firstValueFrom, from, lastValueFrom, toArray } from 'rxjs';
import type { CreateOrderRequest, OrderServiceClient } from '../src/gen/acme/orders/v1/orders.js';
import { contract } from '../src/gen/contract.js';
import { createGateway } from '../src/gateway/gateway.js';
import { createService } from '../src/service/service.js';

const service = 'acme.orders.v1.OrderService';
const key = { 'x-api-key': 'open sesame' };
const metadata = new Metadata();
metadata.set('x-api-key', key['x-api-key']);
/** Options of a call, which stand behind its request. */
const options = { metadata };

const folder = mkdtempSync(join(tmpdir(), 'orders-'));
const target = `unix://${folder}/orders.sock`;
const { app } = await createService(target);
const gateway = await createGateway(target);
const channel = new GrpcChannel(target);
const orders = channel.client<OrderServiceClient>(contract, service);
let url = '';

before(async () => {
  await app.listen();
  await gateway.listen(0, '127.0.0.1');
  url = await gateway.getUrl();
});
after(async () => {
  channel.close();
  await gateway.close();
  await app.close();
  rmSync(folder, { recursive: true });
});

const order = (sku: string, quantity = 1): CreateOrderRequest => ({
  order: { id: '0', sku, quantity, createTime: null, attributes: null },
});

test('gRPC: an order is placed, got and cancelled', async () => {
  const request = order('tea', 2);
  request.order!.attributes = { fields: { gift: { boolValue: true } } };
  const created = await firstValueFrom(orders.createOrder(request, options));
  const got = await firstValueFrom(orders.getOrder({ id: created.id }, options));
  assert.deepEqual(got, created);
  assert.deepEqual(got.attributes, { fields: { gift: { boolValue: true } } });
  assert.deepEqual(await firstValueFrom(orders.cancelOrder({ id: created.id }, options)), {});
});

test('gRPC: errors have the reasons of this service', async () => {
  const error = await firstValueFrom(orders.getOrder({ id: '404' }, options)).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof RpcError);
  assert.deepEqual([error.code, error.reason], [Status.NOT_FOUND, 'ORDER_NOT_FOUND']);
});

test('gRPC: the guard refuses who does not know the key', async () => {
  await assert.rejects(firstValueFrom(orders.getOrder({ id: '1' })), { reason: 'API_KEY_REFUSED' });
});

test('gRPC: the rules of the proto are kept', async () => {
  await assert.rejects(firstValueFrom(orders.createOrder(order('tea', 0), options)), { reason: 'INVALID_FIELD' });
});

test('gRPC: streams in each direction', async () => {
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

async function rest(method: string, path: string, body?: string) {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...key, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body }),
  });
  return { status: response.status, text: await response.text() };
}

test('REST: an order is placed, got and cancelled', async () => {
  const created = await rest('POST', '/v1/orders', '{"sku":"tea","quantity":3,"attributes":{"gift":true}}');
  assert.equal(created.status, 201);
  const { id, attributes } = JSON.parse(created.text);
  assert.deepEqual(attributes, { gift: true });
  assert.equal((await rest('GET', `/v1/orders/${id}`)).text, created.text);
  assert.deepEqual(await rest('DELETE', `/v1/orders/${id}`), { status: 200, text: '{}' });
  const problem = await rest('GET', `/v1/orders/${id}`);
  assert.deepEqual([problem.status, JSON.parse(problem.text).reason], [404, 'ORDER_NOT_FOUND']);
});

test('REST: the guard and the rules of the proto answer with problem documents', async () => {
  const refused = await fetch(`${url}/v1/orders/1`);
  assert.equal(refused.status, 401);
  assert.equal(((await refused.json()) as { reason: string }).reason, 'API_KEY_REFUSED');
  const invalid = JSON.parse((await rest('POST', '/v1/orders', '{"sku":"","quantity":1}')).text);
  assert.equal(invalid.fieldViolations[0].field, 'order.sku');
});

test('REST: streams in each direction, a line a message', async () => {
  const imported = await rest(
    'POST',
    '/v1/orders:import',
    '[{"order":{"sku":"tea","quantity":1}},{"order":{"sku":"coffee","quantity":1}}]',
  );
  assert.deepEqual(JSON.parse(imported.text), { created: 2 });
  const lines = (await rest('GET', '/v1/orders:stream')).text.trim().split('\n');
  assert.deepEqual(
    lines.slice(-2).map((line) => JSON.parse(line).sku),
    ['tea', 'coffee'],
  );
  const priced = await rest('POST', '/v1/items:price', '[{"sku":"tea"},{"sku":"coffee"}]');
  assert.deepEqual(
    priced.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
    [
      { sku: 'tea', price: '450' },
      { sku: 'coffee', price: '620' },
    ],
  );
});

test('REST: the document describes the routes', async () => {
  const { paths } = JSON.parse((await rest('GET', '/openapi.json')).text);
  assert.ok('/v1/orders/{id}' in paths && '/v1/items:price' in paths);
});
