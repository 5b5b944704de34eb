import { toBatches, type FieldViolation } from '@rollcall/grpc';
import { type user, userService } from '@rollcall/proto';
import type { Observable } from 'rxjs';
import { DryRun } from './dry-run.ts';
import { importRow, type Outcome } from './import-row.ts';
import { emailKey } from '../query/text-keys.ts';
import type { UsersStore } from '../store/users.store.ts';
import type { Write } from '../store/changes/write-queue.ts';
import { userViolations } from './checks.ts';

const { OUTCOME_CREATED, OUTCOME_FAILED, OUTCOME_UNCHANGED, OUTCOME_UPDATED } = userService.ImportResult_Outcome;

/** How many rows share a transaction at the most, and how many are read before they can be stored. */
const maxRows = 500;

/** A row with what is wrong with it by the rules of the contract, if anything. */
interface NumberedRow {
  readonly row: number;
  readonly user: user.User | null;
  readonly violation: FieldViolation | undefined;
}

/**
 * Creates or updates a user for each row. Results come in the order of the rows, each once its transaction is committed.
 * While rows are stored the next ones are read and checked. When they cannot be read any further, the results of those
 * that were come first.
 *
 * @param signal ends the import between two transactions
 */
export async function* importUsers(
  store: UsersStore,
  requests: Observable<userService.ImportUsersRequest>,
  signal: AbortSignal,
): AsyncGenerator<userService.ImportResult[]> {
  using dryRun = new DryRun(store);
  const failure = new AbortController();
  const writes = writesOf(requests, AbortSignal.any([signal, failure.signal]));
  /** What is being stored, in the order of the rows: one, and one that waits for it. */
  const storing: Promise<userService.ImportResult[]>[] = [];
  let reading: Promise<void> | undefined;
  let read: IteratorResult<ImportWrite> | undefined;
  let unreadable: { readonly error: unknown } | undefined;
  try {
    while (read?.done !== true || storing.length > 0) {
      if (read?.done === false && storing.length < (read.value.dry ? 1 : 2)) {
        const { write, dry } = read.value;
        const stored = dry ? dryRun.run(write).then((results) => results.map(withoutAssignedId)) : store.write(write);
        // What fails is not followed by what comes behind it, so that an import can go on from its last result.
        stored.catch((error: unknown) => failure.abort(error));
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
        yield await first;
      }
    }
    if (unreadable !== undefined) throw unreadable.error;
  } finally {
    void writes.return(undefined).catch(() => undefined); // it ends with the requests
  }
}

interface ImportWrite {
  readonly write: Write<userService.ImportResult[]>;
  readonly dry: boolean;
}

/** The rows in parts that share a transaction, checked by the rules of the contract. */
async function* writesOf(
  requests: Observable<userService.ImportUsersRequest>,
  signal: AbortSignal,
): AsyncGenerator<ImportWrite, undefined> {
  let options: userService.ImportUsersRequest | undefined;
  let row = 0;
  for await (const batch of toBatches(requests, maxRows, ({ users }) => Math.max(1, users.length))) {
    options ??= batch[0];
    const { dryRun: dry = false, onConflict = 0, afterRow = '0' } = options ?? {};
    const rows = batch
      .flatMap(({ user: one, users }) => (users.length === 0 ? [one] : one === null ? users : [one, ...users]))
      .map((one) => ({ row: ++row, user: one }))
      .filter((numbered) => numbered.row > Number(afterRow));
    for (let start = 0; start < rows.length; start += maxRows) {
      const part = rows.slice(start, start + maxRows).map((one) => ({ ...one, violation: violationOf(one.user) }));
      yield { write: importWrite(part, onConflict, signal), dry };
    }
  }
  return undefined;
}

function violationOf(one: user.User | null): FieldViolation | undefined {
  if (one === null) return { field: 'user', description: 'is required', reason: 'required' };
  return userViolations(one)[0];
}

function importWrite(
  rows: readonly NumberedRow[],
  onConflict: userService.ImportConflict,
  signal: AbortSignal,
): Write<userService.ImportResult[]> {
  const valid = rows.flatMap(({ user: one, violation }) => (one === null || violation !== undefined ? [] : one));
  return {
    touched: {
      ids: valid.flatMap(({ id }) => (id === '0' ? [] : BigInt(id))),
      emailKeys: valid.flatMap(({ email }) => (email === '' ? [] : emailKey(email))),
      newIds: valid.filter(({ id }) => id === '0').length,
    },
    size: rows.length,
    signal,
    apply: (view) =>
      rows.map(({ row, user: one, violation }) => {
        if (one === null || violation !== undefined)
          return result(
            row,
            one?.id ?? '0',
            failed(violation?.field ?? 'user', violation?.description ?? 'is required'),
          );
        const { id, outcome } = importRow(view, one, onConflict);
        return result(row, id, outcome);
      }),
  };
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
