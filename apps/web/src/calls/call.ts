import { CallError, type Problem, problemOf, unreachable } from './problem.ts';

const deadlineMs = 20_000;

export interface Asked {
  /** Sent as JSON; text as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

let refused = (): void => {};

/** Has this run when a call was refused for who made it: the session has ended, or its user's rights have changed. */
export function whenRefused(run: () => void): void {
  refused = run;
}

/** Looks whether a call was refused for who made it. */
export function noticeRefusal({ status }: Problem): void {
  if (status === 401 || status === 403) refused();
}

/** Calls, and reads the answer as JSON. @throws CallError */
export async function call<Answer>(verb: string, path: string, asked?: Asked): Promise<Answer> {
  const response = await send(verb, path, asked);
  const answer: Answer = await response.json().catch(() => {
    throw new CallError(unreachable); // it was cut
  });
  return answer;
}

/** Calls. Paths are relative to the page. @throws CallError */
export async function send(verb: string, path: string, { body, headers, signal }: Asked = {}): Promise<Response> {
  const ends = AbortSignal.timeout(deadlineMs);
  const response = await fetch(path, {
    method: verb,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined || typeof body === 'string' ? (body ?? null) : JSON.stringify(body),
    signal: signal === undefined ? ends : AbortSignal.any([ends, signal]),
    cache: 'no-store',
  }).catch((error: unknown) => {
    if (signal?.aborted === true) throw error;
    throw new CallError(unreachable);
  });
  if (response.ok) return response;
  const problem = await problemOf(response);
  noticeRefusal(problem);
  throw new CallError(problem);
}

/** Writes query parameters; those that are empty are left out. */
export function query(parameters: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const given = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined || value === '' || value === false ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}
