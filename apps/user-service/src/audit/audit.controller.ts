import { GrpcController } from '@rollcall/grpc';
import { type audit, rollcallContract } from '@rollcall/proto';
import { listAuditEntries } from './list-audit-entries.ts';
import { UsersStore } from '../store/users.store.ts';

@GrpcController(rollcallContract, 'rollcall.audit.v1.AuditService')
export class AuditController implements audit.AuditServiceController {
  readonly #store: UsersStore;

  constructor(store: UsersStore) {
    this.#store = store;
  }

  listAuditEntries(request: audit.ListAuditEntriesRequest): Promise<audit.ListAuditEntriesResponse> {
    return listAuditEntries(this.#store, request);
  }
}
