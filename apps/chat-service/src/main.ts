import 'reflect-metadata';
import { setLogger } from '@grpc/grpc-js';
import { Logger } from '@nestjs/common';
import { readConfig } from './config.ts';
import { createService } from './service.ts';

// grpc-js writes lines of its own beside the errors that it throws.
const logLine = (line: unknown): void => Logger.debug(line, 'grpc-js');
setLogger({ debug: logLine, info: logLine, error: logLine });

try {
  const config = readConfig(process.env);
  const { app, server } = await createService(config);
  // They drain the server, close the log, and end the process with exit code 0.
  app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true });
  await app.listen();
  const logger = new Logger('chat-service');
  if (config.protectedMode) logger.warn('protected mode: whoever is on this machine is the administrator');
  logger.log(`listening on ${server.address}`);
} catch (error) {
  console.error(`chat-service cannot start: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
