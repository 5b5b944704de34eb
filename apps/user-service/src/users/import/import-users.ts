import { RpcError, toBatches } from '@rollcall/grpc';
import { userService } from '@rollcall/proto';
import type { Observable } from 'rxjs';
import { DryRun } from './dry-run.ts';
import { importRow, type Outcome } from './import-row.ts';
import { emailKey } from '../../query/text-keys.ts';
import type { UsersView } from '../../store/users/view.ts';
import type { UsersStore } from '../../store/users.store.ts';
import type { Write } from '../../store/changes/write-queue.ts';
import { type ImportPart, ImportParts, maxRows, resultsOf } from './import-part.ts';

const { OUTCOME_CREATED, OUTCOME_FAILED, OUTCOME_UNCHANGED, OUTCOME_UPDATED } = userService.ImportResult_Outcome;

/**
 * Creates or updates a user for each row. Results come in the order of the rows, each once its transaction is committed.
 * While rows are stored the next ones are read and checked. When they cannot be read any further, the results of those
 * that were come first.
 *
 * @param signal ends the import between two transactions
 * @param callerId the user who sends it; `0` when that is nobody of the directory
 * @throws RpcError REQUEST_ID_REUSED, behind the results of the rows before
 */
export async function* importUsers(
  store: UsersStore,
  requests: Observable<userService.ImportUsersRequest>,
  signal: AbortSignal,
  callerId = '0',
): AsyncGenerator<userService.ImportResult[]> {
  using dryRun = new DryRun(store);
  const failure = new AbortController();
  const stop = (error: unknown): void => failure.abort(error);
  const writes = writesOf(requests, callerId, AbortSignal.any([signal, failure.signal]), stop);
  /** What is being stored, in the order of the rows: one, and one that waits for it. */
  const storing: Promise<Imported>[] = [];
  let reading: Promise<void> | undefined;
  let read: IteratorResult<ImportWrite> | undefined;
  let unreadable: { readonly error: unknown } | undefined;
  try {
    while (read?.done !== true || storing.length > 0) {
      if (read?.done === false && storing.length < (read.value.dry ? 1 : 2)) {
        const { write, dry } = read.value;
        const stored = dry
          ? dryRun.run(write).then(({ results }) => ({ results: results.map(withoutAssignedId), refused: undefined }))
          : store.write(write);
        // What fails is not followed by what comes behind it, so that an import can go on from its last result.
        stored.catch(stop);
        storing.push(stored);
        read = undefined;
      }
      if (read === undefined) {
        reading ??= writes.next().then(
          (next) => {
            read = next;
            reading = undefined;
          },
          (error: unknown) => {
            unreadable = { error };
            read = { done: true, value: undefined };
            reading = undefined;
          },
        );
      }
      const [first] = storing;
      if (first === undefined) await reading;
      else if (reading === undefined || (await Promise.race([reading, first])) !== undefined) {
        void storing.shift();
        const { results, refused } = await first;
        if (results.length > 0) yield results;
        if (refused !== undefined) throw refused.error;
      }
    }
    if (unreadable !== undefined) throw unreadable.error;
  } finally {
    void writes.return(undefined).catch(() => undefined); // it ends with the requests
  }
}

/** What became of rows, and what ended the import behind them. */
interface Imported {
  readonly results: userService.ImportResult[];
  readonly refused: { readonly error: unknown } | undefined;
}

interface ImportWrite {
  readonly write: Write<Imported>;
  readonly dry: boolean;
}

/** The rows in groups that share a transaction, checked by the rules of the contract. */
async function* writesOf(
  requests: Observable<userService.ImportUsersRequest>,
  callerId: string,
  signal: AbortSignal,
  stop: (error: unknown) => void,
): AsyncGenerator<ImportWrite, undefined> {
  const parts = new ImportParts(callerId);
  for await (const batch of toBatches(requests, maxRows, ({ users }) => Math.max(1, users.length)))
    for (const group of grouped(batch, parts)) {
      const { dryRun: dry, onConflict } = parts.options;
      yield { write: importWrite(group, onConflict, signal, stop), dry };
    }
  return undefined;
}

/** The parts of messages in groups of at most 500 rows. */
function* grouped(batch: readonly userService.ImportUsersRequest[], parts: ImportParts): Generator<ImportPart[]> {
  let group: ImportPart[] = [];
  let size = 0;
  for (const message of batch)
    for (const part of parts.of(message)) {
      if (size + part.rows.length > maxRows) {
        yield group;
        [group, size] = [[], 0];
      }
      group.push(part);
      size += part.rows.length;
    }
  if (size > 0) yield group;
}

/** @param stop ends the import, before a write behind this one begins */
function importWrite(
  parts: readonly ImportPart[],
  onConflict: userService.ImportConflict,
  signal: AbortSignal,
  stop: (error: unknown) => void,
): Write<Imported> {
  const rows = parts.flatMap((part) => part.rows);
  const valid = rows.flatMap(({ user: one, violation }) => (one === null || violation !== undefined ? [] : one));
  return {
    touched: {
      ids: valid.flatMap(({ id }) => (id === '0' ? [] : BigInt(id))),
      emailKeys: valid.flatMap(({ email }) => (email === '' ? [] : emailKey(email))),
      newIds: valid.filter(({ id }) => id === '0').length,
      requestIds: parts.flatMap(({ request }) => request?.id ?? []),
    },
    size: rows.length,
    signal,
    apply: (view) => {
      const results: userService.ImportResult[] = [];
      // It may share a transaction with the one before it, which has just been refused.
      if (signal.aborted) return { results, refused: { error: signal.reason } };
      try {
        for (const part of parts) {
          const made = resultsOf(view, part, () => importPart(view, part, onConflict));
          for (const one of made) results.push(one);
        }
      } catch (error) {
        if (!(error instanceof RpcError)) throw error;
        stop(error);
        return { results, refused: { error } };
      }
      return { results, refused: undefined };
    },
  };
}

function importPart(
  view: UsersView,
  { rows }: ImportPart,
  onConflict: userService.ImportConflict,
): userService.ImportResult[] {
  return rows.map(({ row, user: one, violation }) => {
    if (one === null || violation !== undefined)
      return result(row, one?.id ?? '0', failed(violation?.field ?? 'user', violation?.description ?? 'is required'));
    const { id, outcome } = importRow(view, one, onConflict);
    return result(row, id, outcome);
  });
}

function result(row: number, id: string, outcome: Outcome): userService.ImportResult {
  const said = { created: OUTCOME_CREATED, updated: OUTCOME_UPDATED, unchanged: OUTCOME_UNCHANGED } as const;
  return typeof outcome === 'string'
    ? { row: String(row), outcome: said[outcome], id, field: '', message: '' }
    : { row: String(row), outcome: OUTCOME_FAILED, id, field: outcome.field, message: outcome.message };
}

function failed(field: string, message: string): Outcome {
  return { field, message };
}

/** Nobody has the id that a user of a dry run was given. */
function withoutAssignedId(one: userService.ImportResult): userService.ImportResult {
  return one.id.startsWith('-') ? { ...one, id: '0' } : one;
}
