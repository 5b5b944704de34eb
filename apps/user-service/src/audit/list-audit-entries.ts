import type { audit } from '@rollcall/proto';
import { PageTokens } from '../query/page-token.ts';
import { auditPage } from '../store/audit/entry.ts';
import type { UsersStore } from '../store/users.store.ts';

const defaultPageSize = 50;
const maxPageSize = 1000;

/** A page of the audit log, the latest entry first. @throws RpcError INVALID_FIELD when the page token cannot be read */
export async function listAuditEntries(
  store: UsersStore,
  { pageSize, pageToken, callerId, deniedOnly }: audit.ListAuditEntriesRequest,
): Promise<audit.ListAuditEntriesResponse> {
  const tokens = new PageTokens(store.secret('page_token'));
  const bound = `audit ${callerId} ${deniedOnly}`;
  const [before] = pageToken === '' ? [] : tokens.read(bound, pageToken, 'the caller_id and denied_only');
  const query = { callerId: BigInt(callerId), deniedOnly };
  const size = Math.min(pageSize === 0 ? defaultPageSize : pageSize, maxPageSize);
  const { rows, more } = await store.audit.page(query, before === undefined ? undefined : BigInt(before), size);
  const last = more ? rows.at(-1) : undefined;
  return auditPage(rows, last === undefined ? '' : tokens.write(bound, [last.seq]));
}
