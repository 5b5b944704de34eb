import type { userService } from '@rollcall/proto';
import { everyone, type Filter } from '../query/filter/filter.ts';
import { parseFilter } from '../query/filter/parser.ts';
import { typesFilter } from '../query/filter/types-filter.ts';
import { encodeUsers, exportMessage } from '../store/users/exported-users.ts';
import type { PageBehind } from '../store/users/pages.ts';
import type { UsersStore } from '../store/users.store.ts';
import { writeResumeToken } from './resume-token.ts';

/** How many users a message holds at the most. */
const maxUsers = 50;

/** How long an export rests between two messages while others ask, in milliseconds: the least that a timer waits. */
const restMs = 1;

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
  const query: Filter =
    types.length === 0 ? parsed : parsed === everyone ? ofTypes : { kind: 'and', filters: [parsed, ofTypes] };
  let watchToken = writeResumeToken(store.secret('directory'), { seq: await store.feed.last() });
  let seen = store.finds;
  const read = async (behind: bigint): Promise<Page> => pageOf(await store.pages.readBehind(behind, query));
  let reading: Promise<Page> | undefined = read(BigInt(afterId));
  while (reading !== undefined) {
    const { messages, lastId }: Page = await reading;
    // One page is read ahead, while this one is sent.
    reading = lastId === undefined ? undefined : read(lastId);
    reading?.catch(() => undefined); // it is thrown above, if it is still wanted
    for (const users of messages) {
      yield exportMessage(users, watchToken);
      watchToken = '';
      // Others have their turn; while there are any, the export works no more than about half of the time, because its
      // reader and theirs share the processors with it.
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (store.finds !== seen) await new Promise<void>((resolve) => setTimeout(resolve, restMs));
      seen = store.finds;
    }
  }
  if (watchToken !== '') yield exportMessage(encodeUsers([]), watchToken);
}

/** Some users, as they are sent. */
interface Page {
  readonly messages: readonly Buffer[];
  /** The id of the last of them; undefined when nobody comes behind them. */
  readonly lastId: bigint | undefined;
}

function pageOf({ rows, isLast }: PageBehind): Page {
  const messages: Buffer[] = [];
  for (let start = 0; start < rows.length; start += maxUsers)
    messages.push(encodeUsers(rows.slice(start, start + maxUsers)));
  return { messages, lastId: isLast ? undefined : rows.at(-1)?.id };
}
