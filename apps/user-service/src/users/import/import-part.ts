import { hash } from 'node:crypto';
import type { FieldViolation } from '@rollcall/grpc';
import type { user, userService } from '@rollcall/proto';
import type { UsersView } from '../../store/users/view.ts';
import { importUsersCodec as codec, userViolations } from '../checks.ts';
import { requestIdReused } from '../errors.ts';
import { keepAnswer, keptAnswer, type KnownRequest } from '../kept-answers.ts';

/** How many rows share a transaction at the most, and how many are read before they can be stored. */
export const maxRows = 500;

/** A row with what is wrong with it by the rules of the contract, if anything. */
export interface NumberedRow {
  readonly row: number;
  readonly user: user.User | null;
  readonly violation: FieldViolation | undefined;
}

/** The rows of one message, or of a stretch of a long one: what has one kept answer. */
export interface ImportPart {
  readonly rows: readonly NumberedRow[];
  /** Undefined when it is not to be known again. */
  readonly request: KnownRequest | undefined;
}

type Result = userService.ImportResult;

/**
 * Cuts the messages of an import into parts. A message is always cut at the same places, and known by its request id and
 * its place behind the first message with that id, so that a part that is sent again is the same part.
 *
 * @see docs/decisions/0034
 */
export class ImportParts {
  readonly #callerId: string;
  #options: userService.ImportUsersRequest | undefined;
  #row = 0;
  #requestId = '';
  #place = 0;

  constructor(callerId: string) {
    this.#callerId = callerId;
  }

  /** What the first message said. */
  get options(): Pick<userService.ImportUsersRequest, 'dryRun' | 'onConflict'> {
    return this.#options ?? { dryRun: false, onConflict: 0 };
  }

  /** The parts of the next message, without the rows that are passed over. */
  of(message: userService.ImportUsersRequest): ImportPart[] {
    this.#options ??= message;
    const { user: one, users, requestId } = message;
    if (requestId !== '' && requestId !== this.#requestId) {
      this.#requestId = requestId;
      this.#place = 0;
    }
    const sent = users.length === 0 ? [one] : one === null ? users : [one, ...users];
    const parts: ImportPart[] = [];
    for (let start = 0; start < sent.length; start += maxRows) {
      const stretch = sent.slice(start, start + maxRows);
      const request = this.#known(stretch);
      const numbered = stretch.map((each) => ({ row: ++this.#row, user: each }));
      const rows = numbered
        .filter(({ row }) => row > Number(this.#options?.afterRow ?? 0))
        .map((each) => ({ ...each, violation: violationOf(each.user) }));
      if (rows.length > 0) parts.push({ rows, request });
    }
    return parts;
  }

  #known(rows: readonly (user.User | null)[]): KnownRequest | undefined {
    const { dryRun, onConflict } = this.options;
    if (this.#requestId === '' || dryRun) return undefined;
    const users = rows.filter((row) => row !== null);
    return {
      // The space keeps it apart from the ids of CreateUser, which have a slash there.
      id: `${this.#callerId} ImportUsers ${this.#place++} ${this.#requestId}`,
      request_hash: hash('sha256', codec.encodeRequest({ users, onConflict }), 'buffer'),
    };
  }
}

/**
 * The results of a part: the first ones when it came before.
 *
 * @throws RpcError REQUEST_ID_REUSED, before anything is changed
 */
export function resultsOf(view: UsersView, { rows, request }: ImportPart, store: () => Result[]): Result[] {
  const kept = request && keptAnswer(view, request);
  if (kept === undefined) {
    const results = store();
    if (request !== undefined) keepAnswer(view, request, codec.encodeResponse({ results }));
    return results;
  }
  const { results } = codec.decodeResponse(kept) as userService.ImportUsersResponse; // as it was encoded
  // What the first call passed over has no result to give again.
  if (results.length < rows.length) throw requestIdReused();
  const same = results.slice(results.length - rows.length);
  return same.map((result, index) => ({ ...result, row: String(rows[index]?.row ?? 0) }));
}

function violationOf(one: user.User | null): FieldViolation | undefined {
  if (one === null) return { field: 'user', description: 'is required', reason: 'required' };
  return userViolations(one)[0];
}
