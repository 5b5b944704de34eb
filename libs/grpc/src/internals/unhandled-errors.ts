import { Logger } from '@nestjs/common';
import { config } from 'rxjs';
import { RpcError } from '../status/rpc-error.ts';

/**
 * Keeps a forgotten error callback from ending the process. RxJS throws such errors where nobody can catch them, and a
 * caller that goes away is an error of its request stream: one call could end the service for all. Other errors are
 * thrown as before.
 */
export function surviveUnhandledCallErrors(): void {
  config.onUnhandledError ??= (error: unknown) => {
    if (!(error instanceof RpcError)) throw error;
    logger.warn(`nobody took the error of a request stream: ${error.message}`);
  };
}

const logger = new Logger('grpc');
