import { Logger } from '@nestjs/common';
import type { GrpcServer } from '@rollcall/grpc';
import type { NoteLog } from './note-log.ts';

const intervalMs = 1000;

const logger = new Logger('notes');

/** Asks the log every second whether it is there, for the health of the service. */
export class LogWatch {
  readonly #log: NoteLog;
  readonly #server: GrpcServer;
  #timer: NodeJS.Timeout | undefined;
  #answered = true;

  constructor(log: NoteLog, server: GrpcServer) {
    this.#log = log;
    this.#server = server;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#ask(), intervalMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #ask(): Promise<void> {
    const answers = await this.#log.answers();
    if (answers === this.#answered) return;
    this.#answered = answers;
    this.#server.setServing(answers);
    logger.warn(answers ? 'the log answers again' : 'the log does not answer');
  }
}
