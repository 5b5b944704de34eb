import { type user, userService } from '@rollcall/proto';
import { costOf } from '../query/filter/cost.ts';
import { matches } from '../query/filter/match.ts';
import { parseFilter } from '../query/filter/parser.ts';
import { type Position, readResumeToken, writeResumeToken } from './resume-token.ts';
import type { LoggedChange } from '../store/changes/log.ts';
import { toTimestamp, toUser } from '../store/users/rows.ts';
import { turnCost } from '../store/users/scan-turns.ts';
import type { UsersStore } from '../store/users.store.ts';
import { resumeTokenGone } from './errors.ts';

const { KIND_SNAPSHOT, KIND_CHECKPOINT } = userService.WatchEvent_Kind;

/** How many users of a snapshot are read at a time, and how many changes are looked at, when the filter is simple. */
const maxPageSize = 100;

/** What it costs to look at a user here, in comparisons. */
const userCost = 10;

/** How long nothing is sent before a checkpoint says that nothing happened, in milliseconds. */
const checkpointMs = 5000;

/**
 * The changes of the directory in the order of their commits, in groups that belong to one moment.
 *
 * A snapshot is read in pages, by id. Each page is of a later moment than the one before; so before it come the changes
 * up to that moment of the users that were shown already, and no others. What a watcher holds is thus always the
 * directory as it was at its last event, as far as the snapshot has come, and `before` is what it holds.
 *
 * @throws RpcError INVALID_FIELD when the filter or the token cannot be read, RESUME_TOKEN_GONE when the token is too old
 */
export async function* watchUsers(
  store: UsersStore,
  request: userService.WatchUsersRequest,
  signal: AbortSignal,
): AsyncGenerator<userService.WatchEvent[]> {
  const filter = parseFilter(request.filter);
  const directory = store.secret('directory');
  const shown = (one: user.User | null): boolean => one !== null && matches(filter, one);
  const token = (position: Position): string => writeResumeToken(directory, position);

  const eventsOf = (changes: readonly LoggedChange[], snapshotId?: bigint): userService.WatchEvent[] =>
    changes.flatMap(({ seq, kind, before, after, commitTimeMs }) =>
      (snapshotId === undefined || BigInt(after.id) <= snapshotId) && (shown(before) || shown(after))
        ? { kind, before, after, commitTime: toTimestamp(commitTimeMs), resumeToken: token({ seq, snapshotId }) }
        : [],
    );
  const checkpoint = (position: Position): userService.WatchEvent => ({
    kind: KIND_CHECKPOINT,
    before: null,
    after: null,
    commitTime: null,
    resumeToken: token(position),
  });

  // Whoever watches is told at once, unless it takes long to find out what of.
  const cost = userCost + costOf(filter);
  const pageSize = Math.max(1, Math.min(maxPageSize, Math.floor(turnCost / cost)));
  const takeTurn = (users: number): Promise<void> => store.scans.next({ cost: users * cost, signal, isStream: true });
  async function* toldOf(changes: readonly LoggedChange[], snapshotId?: bigint) {
    for (let start = 0; start < changes.length; start += pageSize) {
      const some = changes.slice(start, start + pageSize);
      if (some.length * cost > turnCost / 10) await takeTurn(some.length);
      yield eventsOf(some, snapshotId);
    }
  }

  const stop = store.feed.watch();
  try {
    let position: Position;
    if (request.resumeToken !== '') position = readResumeToken(directory, request.resumeToken);
    else position = { seq: await store.feed.last(), snapshotId: request.snapshot ? 0n : undefined };

    while (position.snapshotId !== undefined) {
      const { seq, snapshotId } = position;
      await takeTurn(pageSize);
      const page = await store.snapshots.read(snapshotId, pageSize);
      for (let from = seq; snapshotId > 0n && from < page.seq;) {
        const changes = await store.feed.readLog(from);
        const last = changes === 'gone' ? undefined : changes.at(-1);
        if (changes === 'gone' || last === undefined) throw resumeTokenGone();
        yield* toldOf(
          changes.filter((change) => change.seq <= page.seq),
          snapshotId,
        );
        from = last.seq;
      }
      yield page.users.flatMap((row) => {
        const after = toUser(row);
        if (!shown(after)) return [];
        const resumeToken = token({ seq: page.seq, snapshotId: row.id });
        return { kind: KIND_SNAPSHOT, before: null, after, commitTime: null, resumeToken };
      });
      const last = page.users.length === pageSize ? page.users.at(-1) : undefined;
      position = { seq: page.seq, snapshotId: last?.id };
    }

    let { seq } = position;
    if (request.resumeToken === '') yield [checkpoint(position)];
    let catchesUp = request.resumeToken !== ''; // it is told once nothing is left
    let toldAt = Date.now();
    while (!signal.aborted) {
      const changes = await store.feed.read(seq);
      if (changes === 'gone') throw resumeTokenGone();
      seq = changes.at(-1)?.seq ?? seq;
      let isTold = false;
      for await (const events of toldOf(changes)) {
        if (events.length === 0) continue;
        yield events;
        isTold = true;
      }
      if (isTold) {
        toldAt = Date.now();
        continue;
      }
      const leftMs = toldAt + checkpointMs - Date.now();
      if (leftMs <= 0 || (catchesUp && changes.length === 0)) {
        yield [checkpoint({ seq })];
        catchesUp = false;
        toldAt = Date.now();
      } else if (changes.length === 0) await store.feed.behind(seq, signal, leftMs);
    }
  } finally {
    stop();
  }
}
