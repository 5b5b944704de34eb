import { Logger } from '@nestjs/common';
import { RpcError } from '@rollcall/grpc';
import { headText } from '../store/audit/chain.ts';
import type { UsersStore } from '../store/users.store.ts';

const intervalMs = 60 * 60 * 1000;

const logger = new Logger('audit');

/**
 * Says in the service's own log, at the start and every hour, which entry is the last of the audit log and what seals it.
 * So that stands outside of the database too: who rewrites the audit log, or cuts its end off, cannot take it back.
 */
export class AuditWatch {
  readonly #store: UsersStore;

  constructor(store: UsersStore) {
    this.#store = store;
  }

  start(): void {
    void this.#tell();
    const timer = setInterval(() => void this.#tell(), intervalMs).unref();
    this.#store.onClose(() => clearInterval(timer));
  }

  async #tell(): Promise<void> {
    try {
      const head = await this.#store.audit.head();
      if (head.seq > 0) logger.log(`the head of the audit log is ${headText(head)}`); // an empty log has none
    } catch (error) {
      // It is told the next time. What is wrong with the database, the calls say.
      if (!(error instanceof RpcError)) logger.error(error);
    }
  }
}
