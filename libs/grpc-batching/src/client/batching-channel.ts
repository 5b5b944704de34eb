import { AsyncLocalStorage } from 'node:async_hooks';
import { type Client, status as Status } from '@grpc/grpc-js';
import { type Backend, type Backends, type Route, deadlineExceeded, identity, RpcError } from '@rollcall/grpc';
import { Deadlines } from './deadlines.ts';
import type { WaitingCall } from './waiting-call.ts';
import { batchPath } from '../wire/method.ts';
import { fullFrameBytes } from '../wire/frames.ts';
import { BatchStream, type StreamBounds } from './batch-stream.ts';

export interface BatchClientOptions extends StreamBounds {
  /** The largest call that is carried, request and metadata together, in bytes; 64 KiB by default, 256 KiB at most. */
  readonly maxCallBytes: number;
  /** Calls under way at a time; 1,000 by default. Further ones wait, within their deadlines. */
  readonly maxCalls: number;
  /** The requests and metadata of these calls, in bytes; 4 MiB by default. */
  readonly maxBytes: number;
}

const defaults: BatchClientOptions = { maxCallBytes: 64 * 1024, maxCalls: 1000, maxBytes: 4 * 1024 * 1024 };

/** What runs here belongs to no call, whichever was the first to need it. */
const outside = AsyncLocalStorage.snapshot();

/** Up to so many calls of a turn go together, to one server; more are shared out among the servers. */
const minShare = 16;

/**
 * Carries unary calls in messages of streams, those of one turn of the event loop together. There is a stream to each
 * server behind the target; the one with the fewest calls under way gets the next. To servers that take no such streams,
 * calls are made plainly.
 */
export class BatchingChannel {
  readonly #client: Client;
  readonly #backends: Backends;
  readonly #options: BatchClientOptions;
  readonly #deadlines = new Deadlines<WaitingCall>((call) => this.#due(call));
  /** The calls that have not been sent, in order. */
  readonly #waiting = new Set<WaitingCall>();
  /** All streams, each with the server that it goes to, and behind those that were used longer ago. */
  readonly #streams = new Map<BatchStream, Route>();
  #scheduled = false;
  /** Whether there was no room for those that wait, when it was last looked for. */
  #beyondBounds = false;
  #plainUntil = 0;
  #closed = false;

  /** The largest response that a call may have, in bytes. */
  readonly maxResponseBytes: number;

  /** @param client has to be of the channel alone, over these backends, and to keep nothing for retries */
  constructor(client: Client, backends: Backends, options: Partial<BatchClientOptions>, maxResponseBytes: number) {
    this.maxResponseBytes = maxResponseBytes;
    this.#client = client;
    this.#backends = backends;
    const given = { ...defaults, ...options };
    this.#options = { ...given, maxCallBytes: Math.min(given.maxCallBytes, fullFrameBytes) };
    backends.onChange = () => this.#follow();
  }

  /** Whether a call of this size, request and metadata together, is to be carried. */
  carries(bytes: number): boolean {
    return !this.#closed && bytes <= this.#options.maxCallBytes && Date.now() >= this.#plainUntil;
  }

  /** Makes a call. */
  call(call: WaitingCall): void {
    this.#waiting.add(call);
    this.#deadlines.add(call);
    this.#schedule();
  }

  /** Gives a call up, if it is not over. */
  cancel(call: WaitingCall): void {
    this.#deadlines.delete(call);
    if (this.#waiting.delete(call)) return;
    for (const stream of this.#streams.keys()) if (stream.cancel(call)) return;
  }

  /** Ends the streams once the calls under way have ended. */
  close(): void {
    this.#closed = true;
    this.#flush();
    this.#client.close();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    outside(setImmediate, () => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    const now = Date.now();
    if (this.#waiting.size > 0) {
      if (!this.#closed) outside(() => this.#open(now));
      const takers = [...this.#streams.keys()].filter((stream) => stream.takesCalls);
      if (takers.length === 0) this.#sendAllPlainly();
      // What a server has not accepted may be lost with its connection. Calls wait there only while there is no other.
      const accepting = takers.filter((stream) => stream.accepted);
      this.#share(accepting.length > 0 ? accepting : takers);
    }
    for (const stream of this.#streams.keys()) stream.sendCancellations();
    this.#beyondBounds = this.#waiting.size > 0;
    if (this.#closed && this.#waiting.size === 0) for (const stream of this.#streams.keys()) stream.retire();
  }

  /** Shares out the calls that wait, as far as there is room for them. */
  #share(takers: BatchStream[]): void {
    const max = Math.max(minShare, Math.ceil(this.#waiting.size / takers.length));
    while (this.#waiting.size > 0) {
      const [least] = takers;
      if (least === undefined) return;
      const next = takers.reduce((best, stream) => (stream.load < best.load ? stream : best), least);
      takers.splice(takers.indexOf(next), 1);
      if (!next.send(this.#waiting, max)) continue; // it has no room
      takers.push(next);
      const route = this.#streams.get(next);
      if (route === undefined) continue; // it broke meanwhile
      this.#streams.delete(next);
      this.#streams.set(next, route);
    }
  }

  /** Opens a stream to each server that has none. */
  #open(now: number): void {
    this.#backends.lookAgain(now);
    const taken = new Set<Backend | undefined>();
    for (const [stream, { backend }] of this.#streams) if (stream.takesCalls) taken.add(backend);
    const { reachable } = this.#backends;
    const able = reachable.filter(({ restsUntil }) => now >= restsUntil);
    const willing = able.filter(({ draining }) => !draining);
    for (const backend of willing.length > 0 || taken.size > 0 ? willing : able)
      if (!taken.has(backend)) this.#openTo(this.#backends.route(backend));
    if (reachable.length === 0 && taken.size === 0) this.#openTo(this.#backends.route()); // it waits for the first
  }

  #openTo(route: Route): void {
    const stream = new BatchStream(
      this.#client.makeBidiStreamRequest(batchPath, identity, identity, route.metadata),
      this.#options,
      {
        onDone: (call) => this.#deadlines.delete(call),
        onRoom: () => {
          if (this.#waiting.size > 0) this.#schedule();
        },
        onUnsent: () => this.#schedule(),
        onDraining: () => {
          if (route.backend !== undefined) route.backend.draining = true;
        },
        onOver: (restMs) => {
          this.#streams.delete(stream);
          if (restMs > 0 && route.backend !== undefined) this.#rest(route.backend, restMs);
          if (this.#waiting.size > 0) this.#schedule();
        },
      },
    );
    this.#streams.set(stream, route);
  }

  /** Does not ask a server for a while, or until the connection to it is another one. */
  #rest(backend: Backend, restMs: number): void {
    backend.restsUntil = Date.now() + restMs;
    this.#lookWhoRests();
  }

  #lookWhoRests(): void {
    const rests = this.#backends.reachable.map(({ restsUntil }) => restsUntil);
    this.#plainUntil = rests.length === 0 ? 0 : Math.min(...rests);
  }

  /** Leaves the servers that are gone, or have taken leave of their connections. */
  #follow(): void {
    this.#lookWhoRests();
    for (const [stream, { backend }] of this.#streams)
      if (backend !== undefined && !this.#backends.reaches(backend)) stream.retire();
    if (this.#waiting.size > 0) this.#schedule();
  }

  /** Whether there is a server that takes calls. */
  get #accepted(): boolean {
    for (const stream of this.#streams.keys()) if (stream.takesCalls && stream.accepted) return true;
    return false;
  }

  #due(call: WaitingCall): void {
    const waited = this.#waiting.has(call) && this.#beyondBounds && this.#accepted;
    this.cancel(call);
    call.fail(waited ? beyondBounds() : deadlineExceeded());
  }

  #sendAllPlainly(): void {
    for (const call of this.#waiting) {
      this.#waiting.delete(call);
      this.#deadlines.delete(call);
      call.sendPlainly();
    }
  }
}

function beyondBounds(): RpcError {
  const message = 'The connection had as many calls under way as it may have, up to the deadline.';
  return new RpcError(Status.RESOURCE_EXHAUSTED, 'TOO_MANY_CALLS', message, { retryDelayMs: 1000 });
}
