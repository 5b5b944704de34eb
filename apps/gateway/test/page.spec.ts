import 'reflect-metadata';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { startGateway } from './start-gateway.ts';

it('serves the page at /, which loads nothing from elsewhere and has nothing inline', async () => {
  await using gateway = await startGateway();
  const page = await gateway.get('/');
  expect([page.status, page.headers['content-type'], page.headers['cache-control']]).toEqual([
    200,
    'text/html; charset=utf-8',
    'no-cache',
  ]);
  const policy = String(page.headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
  expect(policy).toContain("frame-ancestors 'none'; base-uri 'none'; form-action 'none'");
  expect(policy).not.toMatch(/unsafe|data:|https?:/);
  expect(page.text).not.toMatch(/<style|style=|<script(?![^>]*src=)|onload=/);
  const links = [...page.text.matchAll(/<(?:script|link)[^>]* (?:src|href)="([^"]+)"/g)].map(
    ([, link = '']) => new URL(link, 'http://x/'),
  );
  expect(links.length).toBeGreaterThanOrEqual(3);
  for (const { host, pathname } of links) {
    const asset = await gateway.get(pathname);
    expect([host, asset.status, asset.headers['cache-control']], pathname).toEqual([
      'x',
      200,
      'public, max-age=31536000, immutable',
    ]);
  }
});

it('answers 304 while the page is the same', async () => {
  await using gateway = await startGateway();
  const { headers } = await gateway.get('/');
  expect((await gateway.get('/', { 'if-none-match': String(headers['etag']) })).status).toBe(304);
  expect((await gateway.get('/', { 'if-none-match': '"another"' })).status).toBe(200);
});

it.each([
  ['gzip, deflate, br', 'br', brotliDecompressSync],
  ['gzip;q=0.5', 'gzip', gunzipSync],
  ['br;q=0, gzip', 'gzip', gunzipSync],
] as const)('serves what was compressed before to a browser that takes %s', async (accepted, encoding, decompress) => {
  await using gateway = await startGateway();
  const plain = await gateway.get('/');
  const { headers, body } = await gateway.get('/', { 'accept-encoding': accepted });
  expect([headers['content-encoding'], headers['vary']]).toEqual([encoding, 'accept-encoding']);
  expect(headers['etag']).not.toBe(plain.headers['etag']);
  expect(decompress(body).toString()).toBe(plain.text);
});

it('serves nothing else from where the page is', async () => {
  await using gateway = await startGateway();
  for (const path of [
    '/assets/',
    '/assets/index.html',
    '/assets/..%2findex.html',
    '/assets/../package.json',
    '/index.html.br',
  ])
    expect((await gateway.get(path)).status, path).toBe(404);
});
