import { it } from 'vitest';
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { docsAssets, docsContentSecurityPolicy } from '../src/docs-page.ts';
it('serve', async () => {
  const assets = docsAssets();
  for (const [k, a] of assets) console.log(k, a.type, a.body.length, a.etag);
  createServer((q, r) => {
    if (q.url === '/openapi.json') return void r.setHeader('content-type','application/json').end(readFileSync('/tmp/openapi-probe/openapi.json'));
    if (q.url?.startsWith('/v1/')) return void r.setHeader('content-type','application/json').end('{"id":"1","name":"Ada"}');
    const a = assets.get((q.url ?? '').replace(/^\/docs\//,'').replace(/[?#].*/, ''));
    if (!a) { console.log('404', q.url); r.statusCode = 404; return void r.end(); }
    r.setHeader('content-type', a.type); r.setHeader('content-security-policy', docsContentSecurityPolicy); r.end(a.body);
  }).listen(4599, '127.0.0.1');
  await new Promise((done) => setTimeout(done, 1500_000));
}, 1600_000);
