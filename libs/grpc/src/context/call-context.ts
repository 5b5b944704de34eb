import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { Metadata } from '@grpc/grpc-js';
import type { Method } from '@rollcall/contract';

const requestIdKey = 'x-request-id';
/** What callers name and follow a call by; it goes along with every call that is made on its behalf. */
const inheritedKeys = [requestIdKey, 'traceparent', 'tracestate'];
const wellFormedRequestId = /^[!-~]{1,128}$/;

/** The call below a context, which is asked when the handler wants to know. */
export interface CallSource {
  readonly method: Method;
  readonly metadata: Metadata;
  readonly deadline: number;
  readonly caller: unknown;
  getPeer(): string;
  getCallerNames(): readonly string[];
  getSignal(): AbortSignal;
  sendMetadata(headers: Metadata): void;
}

/** What a handler knows of its call beside the request: its second parameter. What most handlers do not ask for is made when they do. */
export class CallContext {
  readonly method: Method;
  /** What the caller sent along. */
  readonly metadata: Metadata;
  /** When the call ends at the latest, in milliseconds since the epoch; Infinity without a deadline. */
  readonly deadline: number;
  readonly #source: CallSource;
  #requestId: string | undefined;
  #trailers: Metadata | undefined;

  constructor(source: CallSource) {
    this.method = source.method;
    this.metadata = source.metadata;
    this.deadline = source.deadline;
    this.#source = source;
  }

  /** Names the call in logs, here and at the next hop: the caller's x-request-id, or one made for it. */
  get requestId(): string {
    return (this.#requestId ??= requestIdOf(this.metadata.get(requestIdKey)[0]));
  }

  /** On whose behalf the call is made, as the server's authorization said; undefined on a server without one. */
  get caller(): unknown {
    return this.#source.caller;
  }

  /** Where the caller is, as `address:port` or a socket's name. */
  get peer(): string {
    return this.#source.getPeer();
  }

  /**
   * Which process calls: the DNS names, in lower case, of the certificate that it has shown and that was verified. There
   * are none without mutual TLS, nor once the connection is gone.
   */
  get callerNames(): readonly string[] {
    return this.#source.getCallerNames();
  }

  /** Fires when the answer is of no more use: the caller went away, the deadline passed, the server ends, or it was given. */
  get signal(): AbortSignal {
    return this.#source.getSignal();
  }

  /** Sent to the caller at the end of the call. */
  get trailers(): Metadata {
    return (this.#trailers ??= new Metadata());
  }

  /** The trailers, when the handler has set any. */
  get trailersIfAny(): Metadata | undefined {
    return this.#trailers;
  }

  /** Sends headers ahead of the first message. They can be sent once. */
  sendHeaders(headers: Metadata): void {
    this.#source.sendMetadata(headers);
  }
}

/** The request id to go by: the one that was sent, when it is 1 to 128 visible ASCII characters, else a new one. */
export function requestIdOf(sent: unknown): string {
  return typeof sent === 'string' && wellFormedRequestId.test(sent) ? sent : randomUUID();
}

/** The call that the running code works for. */
export const callStorage = new AsyncLocalStorage<CallContext>();

/** The call that the running code works for; undefined outside of calls. */
export function currentCall(): CallContext | undefined {
  return callStorage.getStore();
}

/** Runs what belongs to no single call: calls that it makes inherit nothing of the one that it began in, nor end with it. */
export function outsideOfCalls<T>(run: () => T): T {
  return callStorage.exit(run);
}

/** The metadata of a call made on behalf of another: its own, and what is inherited. */
export function inheritMetadata(metadata: Metadata | undefined, caller: CallContext | undefined): Metadata {
  const merged = metadata?.clone() ?? new Metadata();
  if (caller === undefined) return merged;
  for (const key of inheritedKeys) {
    const [value] = key === requestIdKey ? [caller.requestId] : caller.metadata.get(key);
    if (value !== undefined && merged.get(key).length === 0) merged.set(key, value);
  }
  return merged;
}
