import type { userService } from '@rollcall/proto';
import { PageTokens } from '../query/page-token.ts';
import { parseFilter } from '../query/filter/parser.ts';
import { parseOrder } from '../query/order.ts';
import { toUser } from '../store/users/rows.ts';
import { UserPages } from '../store/users/pages.ts';
import type { UsersQuery } from '../store/users/query.ts';
import type { UsersStore } from '../store/users.store.ts';

const defaultPageSize = 50;
const maxPageSize = 1000;

/** A page of users. @throws RpcError INVALID_FIELD when the filter, the order or the page token cannot be read */
export async function listUsers(
  store: UsersStore,
  request: userService.ListUsersRequest,
): Promise<userService.ListUsersResponse> {
  const { pageSize, pageToken, showDeleted, showTotal } = request;
  const query: UsersQuery = {
    filter: parseFilter(request.filter),
    order: parseOrder(request.orderBy),
    showDeleted,
  };
  const tokens = new PageTokens(store.secret('page_token'));
  const bound = JSON.stringify([request.filter, request.orderBy, showDeleted]);
  const behind =
    pageToken === ''
      ? undefined
      : UserPages.readKey(tokens.read(bound, pageToken, 'the filter, the order and show_deleted'), query.order);
  const size = Math.min(pageSize === 0 ? defaultPageSize : pageSize, maxPageSize);
  const [rows, total] = await Promise.all([
    store.pages.read(query, behind, size + 1),
    showTotal ? store.pages.count(query) : undefined,
  ]);
  const last = rows.length > size ? rows[size - 1] : undefined;
  return {
    users: rows.slice(0, size).map(toUser),
    nextPageToken: last === undefined ? '' : tokens.write(bound, UserPages.keyOf(last, query.order)),
    totalSize: total?.toString(),
  };
}
