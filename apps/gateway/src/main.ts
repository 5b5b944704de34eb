import 'reflect-metadata';
import { Logger, ShutdownSignal } from '@nestjs/common';
import { readConfig } from './config.ts';
import { createGateway, listen } from './gateway.ts';

try {
  const config = readConfig(process.env);
  const app = await createGateway(config);
  app.enableShutdownHooks([ShutdownSignal.SIGTERM, ShutdownSignal.SIGINT], { useProcessExit: true });
  const url = await listen(app, config);
  new Logger('gateway').log(`listening on ${url}`);
} catch (error) {
  console.error(`gateway cannot start: ${(error as Error).message}`);
  process.exitCode = 1;
}
