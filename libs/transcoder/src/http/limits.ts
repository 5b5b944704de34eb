import type { BodyBudgetLimits } from './body-budget.ts';
import type { ConnectionLimits } from './open-connections.ts';

/** What is too much to take over HTTP. Sizes are in bytes, times in milliseconds. */
export interface HttpLimits extends BodyBudgetLimits, ConnectionLimits {
  /** The longest request target: the path with its query. Beyond it is 414. */
  readonly maxUrlBytes: number;
  /** The request target, and the names and values of all headers together. Beyond it is 431. */
  readonly maxHeaderBytes: number;
  /** How many headers a request may have, at most 1,000. Beyond it is 431. */
  readonly maxHeaders: number;
  /** The largest body of a call with one request, and the largest message of a request stream. Beyond it is 413. */
  readonly maxBodyBytes: number;
  /** How many requests one connection of HTTP/2 may have under way. */
  readonly maxStreams: number;
  /** How long the headers may take to arrive. Then it is 408. */
  readonly headersTimeoutMs: number;
  /** How long the body of a call with one request may take to arrive. Then it is 408. Request streams take their time. */
  readonly bodyTimeoutMs: number;
}

export const defaultHttpLimits: HttpLimits = {
  maxUrlBytes: 8192,
  maxHeaderBytes: 16 * 1024,
  maxHeaders: 100,
  maxBodyBytes: 1024 * 1024,
  maxStreams: 256,
  headersTimeoutMs: 10_000,
  bodyTimeoutMs: 30_000,
  maxBodiesBytes: 64 * 1024 * 1024,
  maxCallerBodiesBytes: 16 * 1024 * 1024,
  maxConnections: 10_000,
  maxAddressConnections: 1000,
};

/** Node's parser takes no more headers, whatever the limit. */
export const maxHeaders = 1000;
