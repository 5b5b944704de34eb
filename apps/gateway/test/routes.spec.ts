import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import { createGateway } from '../src/gateway.ts';

const golden = new URL('golden/routes.txt', import.meta.url);

/** The table of who may call what names each of them (apps/e2e/test/rights), and fails when there is another. */
test('the routes that are no RPCs are those that are written down', async () => {
  const app = await createGateway({ ...readConfig({}), logLevels: ['fatal'] });
  const routes = new Set<string>();
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRoute', ({ method, url, constraints }) => {
      const verbs = [method].flat().filter((verb) => verb !== 'HEAD');
      if (constraints?.['rpc'] === undefined) for (const verb of verbs) routes.add(`${verb} ${url}`);
    });
  await app.init();
  await app.close();
  const written = [...routes].toSorted().join('\n') + '\n';
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, written);
  expect(written).toBe(readFileSync(golden, 'utf8'));
});
