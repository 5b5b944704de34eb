import type { CallContext } from './call-context.ts';

/** What answers a call: a value, a promise of one, an Observable, or an (async) iterable for a stream. */
export type Handler = (request: object, context: CallContext) => unknown;
