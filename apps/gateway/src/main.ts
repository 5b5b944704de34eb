import 'reflect-metadata';
import { Logger, ShutdownSignal } from '@nestjs/common';
import { readConfig } from './config.ts';
import { createGateway, listen } from './gateway.ts';

try {
  const config = readConfig(process.env);
  const app = await createGateway(config);
  app.enableShutdownHooks([ShutdownSignal.SIGTERM, ShutdownSignal.SIGINT], { useProcessExit: true });
  const url = await listen(app, config);
  const logger = new Logger('gateway');
  logger.log(`listening on ${url}`);
  if (config.protectedMode)
    logger.log('protected mode: every local caller is the administrator, until OIDC_ISSUER or LOCAL_SIGN_IN=1 is set');
} catch (error) {
  console.error(`gateway cannot start: ${(error as Error).message}`);
  process.exitCode = 1;
}
