import { setLogger } from '@grpc/grpc-js';
import { Logger } from '@nestjs/common';
import type { Environment } from './variables.ts';
import { ListenError } from '@rollcall/grpc';
import { ReadEnvironment } from './misspelt-variables.ts';

/** An app that listens. */
export interface RunningApp {
  readonly app: {
    enableShutdownHooks(signals: ('SIGTERM' | 'SIGINT')[], options: { useProcessExit: boolean }): unknown;
  };
  /** Where it listens. */
  readonly address: string;
}

/** What is told to the process that started this one, where the two are joined by a channel. */
export interface Listening {
  readonly listening: string;
}

const signals = ['SIGTERM', 'SIGINT'] as const;

/**
 * How many bytes small buffers share an allocation with. Any of them keeps all of it: with the 64 KiB that Node takes, a
 * request or a frame of a stream whose reader has stopped would hold as much.
 */
const poolBytes = 8 * 1024;

/**
 * Runs an app as this process. It ends on SIGTERM and SIGINT: while it starts at once, for it may wait for a database
 * that never comes; then by draining. What hinders the start is said in one line, and ends the process with exit code 1.
 *
 * @param name what it is called in messages
 * @param listenVariable the variable that says where it listens
 * @param start reads the environment, builds the app and listens
 */
export async function runApp(
  name: string,
  listenVariable: string,
  start: (env: Environment) => Promise<RunningApp>,
): Promise<void> {
  Buffer.poolSize = poolBytes;
  // grpc-js writes lines of its own beside the errors that it throws.
  const logLine = (line: unknown): void => Logger.debug(line, 'grpc-js');
  setLogger({ debug: logLine, info: logLine, error: logLine });
  const end = (): never => process.exit(0); // nothing is under way, and a store stands a process that is killed
  for (const signal of signals) process.once(signal, end);
  const environment = new ReadEnvironment(process.env);
  try {
    const { app, address } = await start(environment.env);
    app.enableShutdownHooks([...signals], { useProcessExit: true });
    for (const signal of signals) process.off(signal, end);
    const logger = new Logger(name);
    for (const hint of environment.hints()) logger.warn(hint);
    logger.log(`listening on ${address}`);
    process.send?.({ listening: address } satisfies Listening);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${name} cannot start: ${error instanceof ListenError ? `${listenVariable}: ` : ''}${why}\n`);
    process.exit(1);
  }
}
