import 'reflect-metadata';
import { expect, it } from 'vitest';
import { startGateway } from './start-gateway.ts';

it('lives, and is not ready, while the services are away', async () => {
  await using gateway = await startGateway();
  expect((await gateway.get('/healthz')).status).toBe(200);
  const { status, text } = await gateway.get('/readyz');
  const upstreams = { 'user-service': false, 'chat-service': false };
  expect([status, JSON.parse(text)]).toEqual([503, { status: 'unavailable', upstreams }]);
});

it('answers 503 as a problem without addresses while user-service is away', async () => {
  await using gateway = await startGateway();
  const { status, headers, text } = await gateway.get('/v1/users/1');
  expect([status, headers['content-type'], headers['retry-after']]).toEqual([503, 'application/problem+json', '1']);
  expect(text).not.toMatch(/sock|ECONN/);
});

it('lets no other origin in unless it is told to', async () => {
  const headers = { origin: 'https://app.example.com', 'access-control-request-method': 'PATCH' };
  await using closed = await startGateway({ LOCAL_SIGN_IN: '1' });
  expect((await closed.get('/healthz', headers)).headers['access-control-allow-origin']).toBeUndefined();
  await using open = await startGateway({ LOCAL_SIGN_IN: '1', CORS_ORIGINS: 'https://app.example.com' });
  expect((await open.get('/v1/users/1', headers)).headers['access-control-allow-origin']).toBe(
    'https://app.example.com',
  );
  const preflight = await open.get('/v1/users/1', headers, 'OPTIONS');
  expect([preflight.status, preflight.headers['access-control-allow-methods']]).toEqual([
    204,
    'GET, HEAD, POST, PUT, PATCH, DELETE',
  ]);
  expect(
    (await open.get('/healthz', { origin: 'https://evil.example.com' })).headers['access-control-allow-origin'],
  ).not.toBe('https://evil.example.com');
});

it('serves its OpenAPI document, and a page that reads it', async () => {
  await using gateway = await startGateway();
  const document = await gateway.get('/openapi.json');
  expect(document.headers['content-type']).toContain('application/json');
  expect(JSON.parse(document.text)).toMatchObject({ openapi: '3.1.1', paths: { '/v1/users/{id}': {} } });
  expect((await gateway.get('/openapi.json', { 'if-none-match': String(document.headers['etag']) })).status).toBe(304);

  const redirect = await gateway.get('/docs');
  expect([redirect.status, redirect.headers['location']]).toEqual([302, 'docs/']);
  const page = await gateway.get('/docs/');
  expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  expect(page.headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'");
  const links = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(
    ([, link = '']) => new URL(link, 'http://x/docs/'),
  );
  expect(links.length).toBeGreaterThan(3);
  for (const { host, pathname } of links)
    expect([host, (await gateway.get(pathname)).status], pathname).toEqual(['x', 200]);
  expect((await gateway.get('/docs/../package.json')).status).toBe(404);
});
