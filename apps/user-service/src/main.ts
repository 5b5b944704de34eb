import 'reflect-metadata';
import { setLogger } from '@grpc/grpc-js';
import { Logger } from '@nestjs/common';
import { readConfig } from './config.ts';
import { createService } from './service.ts';
import { isProtected } from './sign-in/sign-in-environment.ts';

// grpc-js writes lines of its own beside the errors that it throws.
const logLine = (line: unknown): void => Logger.debug(line, 'grpc-js');
setLogger({ debug: logLine, info: logLine, error: logLine });

try {
  const config = readConfig(process.env);
  const { app, server, firstLink } = await createService(config);
  // They drain the server, close the store, and end the process with exit code 0.
  app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true });
  await app.listen();
  const logger = new Logger('user-service');
  if (isProtected(config.signIn))
    logger.warn('protected mode: whoever is on this machine is the administrator. See OIDC_ISSUER and LOCAL_SIGN_IN.');
  const link = await firstLink();
  // It is for the eyes of whoever starts the service, and no line of the log.
  if (link !== undefined) console.log(`\nSign in as the administrator, once and within a day:\n\n  ${link}\n`);
  logger.log(`listening on ${server.address}`);
} catch (error) {
  console.error(`user-service cannot start: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
