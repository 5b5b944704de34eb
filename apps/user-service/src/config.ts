import { resolve } from 'node:path';
import type { LogLevel } from '@nestjs/common';
import { type Environment, readListen, readLogLevels } from '@rollcall/grpc';

/** What the environment says, checked. */
export interface Config {
  /** Where to serve gRPC. */
  readonly listen: string;
  /** The directory of the store's files, as an absolute path. */
  readonly dataDir: string;
  /** The levels that are logged. */
  readonly logLevels: LogLevel[];
}

/** Reads the configuration. @throws Error that names the variable whose value is wrong */
export function readConfig(env: Environment): Config {
  return Object.freeze({
    listen: readListen(env, 'USER_LISTEN', '127.0.0.1:50051'),
    dataDir: resolve(env['DATA_DIR'] || '.data'),
    logLevels: readLogLevels(env),
  });
}
