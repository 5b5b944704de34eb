import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { runApp } from '@rollcall/environment';
import { readConfig } from './config.ts';
import { createGateway, listen } from './gateway.ts';

await runApp('gateway', 'GATEWAY_LISTEN', async (env) => {
  const config = readConfig(env);
  const app = await createGateway(config);
  const address = await listen(app, config);
  if (env['PORT']) new Logger('gateway').warn('PORT is not read: GATEWAY_LISTEN says where to listen');
  return { app, address };
});
