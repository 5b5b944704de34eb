import { AsyncLocalStorage } from 'node:async_hooks';
import { type Client, Metadata, status as Status } from '@grpc/grpc-js';
import { deadlineExceeded } from './call-ends.ts';
import { identity } from './client-stream.ts';
import { Deadlines } from './deadlines.ts';
import type { PackedCall } from './packed-call.ts';
import { carryPath } from './packed-method.ts';
import { fullFrameBytes } from './packed-frames.ts';
import { PackedStream, type StreamBounds } from './packed-stream.ts';
import { RpcError } from './rpc-error.ts';

export interface PackedCallOptions extends StreamBounds {
  /** The largest call that is carried, request and metadata together, in bytes; 64 KiB by default, 256 KiB at most. */
  readonly maxCallBytes: number;
  /** Calls under way at a time; 1,000 by default. Further ones wait, within their deadlines. */
  readonly maxCalls: number;
  /** The requests and metadata of these calls, in bytes; 4 MiB by default. */
  readonly maxBytes: number;
}

const defaults: PackedCallOptions = { maxCallBytes: 64 * 1024, maxCalls: 1000, maxBytes: 4 * 1024 * 1024 };

/** What runs here belongs to no call, whichever was the first to need it. */
const outside = AsyncLocalStorage.snapshot();
const nothing = new Set<PackedCall>();

/**
 * Carries unary calls in messages of a stream, those of one turn of the event loop together. To a server that takes no
 * such streams, calls are made plainly.
 */
export class PackedChannel {
  readonly #client: Client;
  readonly #options: PackedCallOptions;
  readonly #deadlines = new Deadlines<PackedCall>((call) => this.#due(call));
  /** The calls that have not been sent, in order. */
  readonly #waiting = new Set<PackedCall>();
  /** All streams: the one that takes new calls, and those that have calls under way still. */
  readonly #streams = new Set<PackedStream>();
  #active: PackedStream | undefined;
  #scheduled = false;
  /** Whether there was no room for those that wait, when it was last looked for. */
  #beyondBounds = false;
  #plainUntil = 0;
  /** Whether it is looked for another connection. */
  #watching = false;
  #closed = false;

  /** The largest response that a call may have, in bytes. */
  readonly maxResponseBytes: number;

  /** @param client has to be of the channel alone, and to keep nothing for retries */
  constructor(client: Client, options: Partial<PackedCallOptions>, maxResponseBytes: number) {
    this.maxResponseBytes = maxResponseBytes;
    this.#client = client;
    const given = { ...defaults, ...options };
    this.#options = { ...given, maxCallBytes: Math.min(given.maxCallBytes, fullFrameBytes) };
  }

  /** Whether a call of this size, request and metadata together, is to be carried. */
  carries(bytes: number): boolean {
    return !this.#closed && bytes <= this.#options.maxCallBytes && Date.now() >= this.#plainUntil;
  }

  /** Makes a call. */
  call(call: PackedCall): void {
    this.#waiting.add(call);
    this.#deadlines.add(call);
    this.#schedule();
  }

  /** Gives a call up, if it is not over. */
  cancel(call: PackedCall): void {
    this.#deadlines.delete(call);
    if (this.#waiting.delete(call)) return;
    for (const stream of this.#streams) if (stream.cancel(call)) return;
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
    if (this.#waiting.size > 0 && this.#active === undefined) {
      if (this.#closed) this.#sendAllPlainly();
      else outside(() => this.#open());
    }
    for (const stream of this.#streams) stream.send(stream === this.#active ? this.#waiting : nothing);
    this.#beyondBounds = this.#waiting.size > 0;
    if (this.#closed && this.#waiting.size === 0) this.#active?.retire();
  }

  #open(): void {
    const stream = new PackedStream(
      this.#client.makeBidiStreamRequest(carryPath, identity, identity, new Metadata()),
      this.#options,
      {
        onDone: (call) => this.#deadlines.delete(call),
        onRoom: () => {
          if (this.#waiting.size > 0) this.#schedule();
        },
        onUnsent: () => this.#schedule(),
        onRetired: () => this.#leave(stream),
        onOver: (plainMs) => {
          this.#leave(stream);
          this.#streams.delete(stream);
          if (plainMs > 0) this.#goPlain(plainMs);
          if (plainMs > 0 || this.#closed) this.#sendAllPlainly();
        },
      },
    );
    this.#streams.add(stream);
    this.#active = stream;
  }

  #leave(stream: PackedStream): void {
    if (this.#active === stream) this.#active = undefined;
    if (this.#waiting.size > 0) this.#schedule();
  }

  #due(call: PackedCall): void {
    const waited = this.#waiting.has(call) && this.#beyondBounds && this.#active?.accepted === true;
    this.cancel(call);
    call.ends.fail(waited ? beyondBounds() : deadlineExceeded());
  }

  /** Makes plain calls for a while, or until the connection is another one. */
  #goPlain(plainMs: number): void {
    this.#plainUntil = Date.now() + plainMs;
    if (this.#closed || this.#watching) return;
    this.#watching = true;
    const channel = this.#client.getChannel();
    channel.watchConnectivityState(channel.getConnectivityState(false), Infinity, () => {
      this.#watching = false;
      this.#plainUntil = 0;
    });
  }

  #sendAllPlainly(): void {
    for (const call of this.#waiting) {
      this.#waiting.delete(call);
      this.#deadlines.delete(call);
      call.ends.sendPlainly();
    }
  }
}

function beyondBounds(): RpcError {
  const message = 'The connection had as many calls under way as it may have, up to the deadline.';
  return new RpcError(Status.RESOURCE_EXHAUSTED, 'TOO_MANY_CALLS', message, { retryDelayMs: 1000 });
}
