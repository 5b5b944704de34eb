import type { ErrorReasonJson } from '@rollcall/proto/json';

type WithoutPrefix<Name> = Name extends `ERROR_REASON_${infer Rest}` ? Rest : never;

/** Why a call failed: a reason of the contract, or that no answer came at all. */
export type Reason = WithoutPrefix<ErrorReasonJson> | 'UNREACHABLE';

/** An error as REST answers it. @see https://www.rfc-editor.org/rfc/rfc9457 */
export interface Problem {
  /** The HTTP status code; 0 when no answer came. */
  readonly status: number;
  readonly reason: Reason | (string & {});
  /** What went wrong, as a sentence. */
  readonly detail: string;
  readonly requestId?: string;
  readonly fieldViolations?: readonly {
    readonly field: string;
    readonly description: string;
    readonly reason?: string;
  }[];
  readonly retryAfterMs?: number;
}

/** A call that failed. */
export class CallError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

export const unreachable: Problem = {
  status: 0,
  reason: 'UNREACHABLE',
  detail: 'The server cannot be reached.',
};

/** The problem behind whatever was thrown. What is no failed call is a fault of the page, and goes on. */
export function problemIn(error: unknown): Problem {
  if (error instanceof CallError) return error.problem;
  throw error;
}

/** The problem that an answer carries. Whatever stands between may answer anything. */
export async function problemOf(response: Response): Promise<Problem> {
  const said: Partial<Problem> = await response.json().catch(() => ({}));
  return { reason: 'INTERNAL', detail: `The server answered ${response.status}.`, ...said, status: response.status };
}

/** Whether the same call may succeed later, without anybody doing something about it. */
export function isTransient({ status }: Problem): boolean {
  return status === 0 || status === 408 || status === 429 || status === 499 || status >= 500;
}

/** What to tell people. */
export function sentence({ status, detail, requestId, retryAfterMs }: Problem): string {
  const text = detail.replace(/[^.!?]$/, '$&.').replace(/^./, (first) => first.toUpperCase());
  if (status === 429 && retryAfterMs !== undefined) return `${text} Try again in ${Math.ceil(retryAfterMs / 1000)} s.`;
  return status >= 500 && requestId !== undefined ? `${text} (Request ${requestId})` : text;
}
