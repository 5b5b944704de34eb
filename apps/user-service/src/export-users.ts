import type { userService } from '@rollcall/proto';
import { everyone } from './query/filter.ts';
import { parseFilter } from './query/filter-parser.ts';
import { parseOrder } from './query/order.ts';
import { typesFilter } from './query/types-filter.ts';
import { exportMessage } from './store/exported-users.ts';
import type { Row } from './store/rows.ts';
import type { UsersQuery } from './store/user-pages.ts';
import type { UsersStore } from './store/users.store.ts';
import { writeResumeToken } from './resume-token.ts';

/** How many users an export reads at a time: on SQLite it holds up all other calls for that long. */
const pageSize = 100;

/** How many users a message holds at the most. */
const maxUsers = 50;

/**
 * Messages of the live users, by id; with the first comes where a watch goes on that brings them up to date. Nothing is
 * held between one page and the next.
 *
 * @throws RpcError INVALID_FIELD when the filter cannot be read
 */
export async function* exportUsers(
  store: UsersStore,
  { types, afterId, filter }: userService.ExportUsersRequest,
): AsyncGenerator<userService.ExportUsersResponse> {
  const parsed = parseFilter(filter);
  const ofTypes = typesFilter(types);
  const query: UsersQuery = {
    filter: types.length === 0 ? parsed : parsed === everyone ? ofTypes : { kind: 'and', filters: [parsed, ofTypes] },
    order: parseOrder('id'),
    showDeleted: false,
  };
  let watchToken = writeResumeToken(store.secret('directory'), { seq: await store.feed.last() });
  let reading: Promise<Row[]> | undefined = store.pages.read(query, [BigInt(afterId)], pageSize);
  while (reading !== undefined) {
    const rows: Row[] = await reading;
    await new Promise<void>((resolve) => setImmediate(resolve)); // others have their turn
    const last = rows.length === pageSize ? rows.at(-1) : undefined;
    // One page is read ahead, while this one is sent.
    reading = last && store.pages.read(query, [last.id], pageSize);
    reading?.catch(() => undefined); // it is thrown above, if it is still wanted
    for (let start = 0; start < rows.length || watchToken !== ''; start += maxUsers) {
      yield exportMessage(rows.slice(start, start + maxUsers), watchToken);
      watchToken = '';
    }
  }
}
