/** Calls of all four kinds that go on until somebody ends them. */
import { type shelf } from '@rollcall/contract/testing';
import { concat, NEVER, Observable, of } from 'rxjs';
import type { CallContext } from '../src/context/call-context.ts';
import type { Shelf } from './shelf-service.ts';

export const kinds = ['ReadFile', 'CountBooks', 'StreamBooks', 'TalkBooks'] as const;

/** Opens one call of each kind, in the order of `kinds`. */
export function endlessCalls(client: Shelf): Observable<unknown>[] {
  const requests = concat(of({ shelf: '', name: 'a' }), NEVER);
  const deadline = Date.now() + 3_600_000;
  return [
    client.readFile({ path: '' }, { deadline }),
    client.countBooks(requests, { deadline }),
    client.streamBooks({} as shelf.StreamBooksRequest),
    client.talkBooks(requests),
  ];
}

/** Handlers whose calls go on until they are torn down, with what became of each. */
export function endlessHandlers() {
  const running: CallContext[] = [];
  /** The methods whose Observable was torn down. */
  const torn: string[] = [];
  /** Why the signals fired, by method. */
  const reasons: Record<string, unknown> = {};
  const handler = (_: never, context: CallContext) =>
    new Observable(() => {
      const { name } = context.method;
      running.push(context);
      context.signal.addEventListener('abort', () => (reasons[name] = context.signal.reason));
      return () => torn.push(name);
    });
  const handlers = { readFile: handler, countBooks: handler, streamBooks: handler, talkBooks: handler };
  return { running, torn, reasons, handlers };
}
