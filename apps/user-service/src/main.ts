import 'reflect-metadata';
import { setLogger } from '@grpc/grpc-js';
import { Logger } from '@nestjs/common';
import { readConfig } from './config.ts';
import { createService } from './service.ts';

// grpc-js writes lines of its own beside the errors that it throws.
const logLine = (line: unknown): void => Logger.debug(line, 'grpc-js');
setLogger({ debug: logLine, info: logLine, error: logLine });

try {
  const { app, server } = await createService(readConfig(process.env));
  // They drain the server, close the store, and end the process with exit code 0.
  app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true });
  await app.listen();
  new Logger('user-service').log(`listening on ${server.address}`);
} catch (error) {
  console.error(`user-service cannot start: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
