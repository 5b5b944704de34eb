import 'reflect-metadata';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createGateway } from '../src/gateway/gateway.js';
import { createService } from '../src/service/service.js';

const folder = mkdtempSync(join(tmpdir(), 'orders-'));
const target = `unix://${folder}/orders.sock`;
const { app } = await createService(target);
const gateway = await createGateway(target);
const key = { 'x-api-key': 'open sesame' };
let url = '';

before(async () => {
  await app.listen();
  await gateway.listen(0, '127.0.0.1');
  url = await gateway.getUrl();
});
after(async () => {
  await gateway.close();
  await app.close();
  rmSync(folder, { recursive: true });
});

async function rest(method: string, path: string, body?: string) {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...key, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body }),
  });
  return { status: response.status, text: await response.text() };
}

test('an order is placed, got and cancelled', async () => {
  const created = await rest('POST', '/v1/orders', '{"sku":"tea","quantity":3,"attributes":{"gift":true}}');
  assert.equal(created.status, 201);
  const { id, attributes } = JSON.parse(created.text);
  assert.deepEqual(attributes, { gift: true });
  assert.equal((await rest('GET', `/v1/orders/${id}`)).text, created.text);
  assert.deepEqual(await rest('DELETE', `/v1/orders/${id}`), { status: 200, text: '{}' });
  const problem = await rest('GET', `/v1/orders/${id}`);
  assert.deepEqual([problem.status, JSON.parse(problem.text).reason], [404, 'ORDER_NOT_FOUND']);
});

test('the guard and the rules of the proto answer with problem documents', async () => {
  const refused = await fetch(`${url}/v1/orders/1`);
  assert.equal(refused.status, 401);
  assert.equal(((await refused.json()) as { reason: string }).reason, 'API_KEY_REFUSED');
  const invalid = JSON.parse((await rest('POST', '/v1/orders', '{"sku":"","quantity":1}')).text);
  assert.equal(invalid.fieldViolations[0].field, 'order.sku');
});

test('streams in each direction, a line a message', async () => {
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

test('the document describes the routes', async () => {
  const { paths } = JSON.parse((await rest('GET', '/openapi.json')).text);
  assert.ok('/v1/orders/{id}' in paths && '/v1/items:price' in paths);
});
