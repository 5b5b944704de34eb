import { Logger } from '@nestjs/common';
import type { GrpcServer } from '@rollcall/grpc';
import type { UsersStore } from './store/users.store.ts';

const intervalMs = 1000;

const logger = new Logger('database');

/** Asks the database every second whether it is there, for the health of the service. It ends with the store. */
export class DatabaseWatch {
  readonly #store: UsersStore;
  readonly #server: GrpcServer;
  #answered = true;

  constructor(store: UsersStore, server: GrpcServer) {
    this.#store = store;
    this.#server = server;
  }

  start(): void {
    const timer = setInterval(() => void this.#ask(), intervalMs).unref();
    this.#store.onClose(() => clearInterval(timer));
  }

  async #ask(): Promise<void> {
    const answers = await this.#store.answers();
    this.#server.setServing(answers);
    if (answers !== this.#answered) logger.warn(answers ? 'it answers again' : 'it does not answer');
    this.#answered = answers;
  }
}
