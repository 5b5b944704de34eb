import 'reflect-metadata';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { startGateway } from '../start-gateway.ts';

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

it.each(['/', '/docs/', '/sign-in'])(
  '%s shares neither its process nor its window, and uses no device',
  async (path) => {
    await using gateway = await startGateway();
    const { headers } = await gateway.get(path);
    expect([
      headers['cross-origin-opener-policy'],
      headers['cross-origin-embedder-policy'],
      headers['cross-origin-resource-policy'],
      headers['origin-agent-cluster'],
    ]).toEqual(['same-origin', 'require-corp', 'same-origin', '?1']);
    expect(headers['permissions-policy']).toContain('camera=(), ');
    expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
  },
);

it.each(['/', '/docs/', '/openapi.json', '/sign-in', '/sign-in/sign-in.js'])(
  '%s is answered on conditions',
  async (path) => {
    await using gateway = await startGateway();
    const { headers } = await gateway.get(path);
    const etag = String(headers['etag']);
    const cases: [Record<string, string>, number][] = [
      [{ 'if-none-match': etag }, 304],
      [{ 'if-none-match': `W/${etag}` }, 304],
      [{ 'if-none-match': `"x", ${etag}` }, 304],
      [{ 'if-none-match': '*' }, 304],
      [{ 'if-none-match': '"another"' }, 200],
      [{ 'if-none-match': 'another' }, 400],
      [{ 'if-match': etag }, 200],
      [{ 'if-match': '"another"' }, 412],
    ];
    for (const [conditions, status] of cases)
      expect((await gateway.get(path, conditions)).status, JSON.stringify(conditions)).toBe(status);
  },
);

it.each([
  ['identity;q=1, br;q=0.5', 200],
  ['', 200],
  ['zstd', 200],
  ['identity;q=0', 406],
  ['*;q=0', 406],
])('serves it as it is to a browser that takes %j, or says that it cannot', async (accepted, status) => {
  await using gateway = await startGateway();
  const answer = await gateway.get('/', { 'accept-encoding': accepted });
  expect([answer.status, answer.headers['content-encoding'], answer.headers['vary']]).toEqual([
    status,
    undefined,
    'accept-encoding',
  ]);
});

it('tells caches that what is compressed depends on the origin, too, where other origins are let in', async () => {
  await using gateway = await startGateway({ LOCAL_SIGN_IN: '1', CORS_ORIGINS: 'https://app.example.com' });
  const { text } = await gateway.get('/');
  const asset = /assets\/[^"]+/.exec(text)?.[0] ?? '';
  for (const path of ['/', `/${asset}`]) {
    const { headers } = await gateway.get(path, { origin: 'https://app.example.com', 'accept-encoding': 'br' });
    expect([headers['access-control-allow-origin'], headers['vary'], headers['content-encoding']], path).toEqual([
      'https://app.example.com',
      'Origin, accept-encoding',
      'br',
    ]);
  }
});

it.each([
  ['gzip, deflate, br', 'br', brotliDecompressSync],
  ['gzip;q=0.5', 'gzip', gunzipSync],
  ['br;q=0, gzip', 'gzip', gunzipSync],
  ['gzip;q=1, br;q=0.1', 'gzip', gunzipSync],
  ['*', 'br', brotliDecompressSync],
  ['x-gzip', 'gzip', gunzipSync],
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
