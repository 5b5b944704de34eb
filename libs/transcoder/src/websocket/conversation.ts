import { on } from 'node:events';
import { reportBackpressure, RpcError } from '@rollcall/grpc';
import { status as Status } from '@grpc/grpc-js';
import type { Observable, Subscription } from 'rxjs';
import type { WebSocket } from 'ws';
import { presentableError } from '../problem/presentable-error.ts';
import { problemOf } from '../problem/problem.ts';
import type { Document } from '../request/body.ts';
import type { LiveStream } from '../response/live-streams.ts';

/** How often a peer is asked whether it is there, in milliseconds. Who has not answered by the next time is cut off. */
const pingMs = 30_000;

/** How long a peer has to close in turn, in milliseconds. */
const closeGraceMs = 2000;

/** The close code of a stream that came to its end, and of one whose server is about to end. */
export const closeCodes = { done: 1000, serverEnds: 1012, noText: 1003 } as const;

/** The close code of a stream that failed: 4000 and the HTTP status of its problem. */
function closeCodeOf(status: number): number {
  return 4000 + status;
}

/**
 * One call over a WebSocket: a JSON message of the contract a frame, both ways. An empty frame says that no more requests
 * come. The last frame of the answer is `{"@end": null}`, or `{"@end": <problem>}` when the call failed, and the close code
 * tells the same.
 */
export class Conversation implements LiveStream {
  readonly #socket: WebSocket;
  readonly #requestId: string;
  readonly #frames: AsyncIterableIterator<[data: Buffer, isBinary: boolean]>;
  #subscription: Subscription | undefined;
  #halfClosed = false;
  #over = false;

  constructor(socket: WebSocket, requestId: string) {
    this.#socket = socket;
    this.#requestId = requestId;
    // A socket of which nobody takes frames is not read on.
    this.#frames = on(socket, 'message', {
      highWaterMark: 1,
      lowWaterMark: 1,
      close: ['close'],
    }) as AsyncIterableIterator<[Buffer, boolean]>;
    this.#watch();
  }

  /**
   * The messages that come, until an empty one.
   *
   * @throws RpcError CANCELLED when the socket closes before that: a stream that was cut never looks whole
   */
  async *documents(): AsyncGenerator<Document> {
    let number = 0;
    for await (const [bytes, isBinary] of this.#frames) {
      if (isBinary) {
        this.#close(closeCodes.noText);
        throw new RpcError(Status.INVALID_ARGUMENT, 'UNSUPPORTED_MEDIA_TYPE', 'Messages come in text frames.');
      }
      if (bytes.length === 0) {
        this.#halfClosed = true;
        return;
      }
      number += 1;
      yield { bytes, what: `Message ${number}` };
    }
    throw new RpcError(Status.CANCELLED, 'CANCELLED', 'The WebSocket closed before the requests ended.');
  }

  /**
   * Answers with all items of all messages.
   *
   * @returns once the socket is closed, in whatever way
   */
  answer(source: Observable<readonly unknown[]>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.once('close', () => {
      this.#over = true;
      this.#subscription?.unsubscribe();
      resolve();
    });
    this.#subscription = source.subscribe({
      next: (items) => items.forEach((item) => this.#send(item)),
      error: (error: unknown) => this.fail(error),
      complete: () => this.#end(null, closeCodes.done),
    });
    if (this.#over) this.#subscription.unsubscribe();
    // Whoever has said that no more comes, and yet sends, is not heard.
    if (this.#halfClosed) void this.#frames.return?.();
    return promise;
  }

  bye(): void {
    const error = new RpcError(Status.UNAVAILABLE, 'UPSTREAM_UNAVAILABLE', 'The server is shutting down. Try again.', {
      retryDelayMs: 1000,
    });
    this.#end(problemOf(error, this.#requestId), closeCodes.serverEnds);
  }

  fail(error: unknown): void {
    const problem = problemOf(presentableError(error), this.#requestId);
    this.#end(problem, closeCodeOf(problem.status));
  }

  cut(): void {
    this.#socket.terminate();
  }

  #send(item: unknown): void {
    if (this.#over) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.send(JSON.stringify(item), () => resolve());
    if (this.#socket.bufferedAmount > 0) reportBackpressure(promise);
  }

  #end(problem: unknown, code: number): void {
    if (this.#over) return;
    this.#send({ '@end': problem });
    this.#close(code);
  }

  #close(code: number): void {
    if (this.#over) return;
    this.#over = true;
    this.#subscription?.unsubscribe();
    this.#socket.close(code);
    const timer = setTimeout(() => this.#socket.terminate(), closeGraceMs);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  #watch(): void {
    let isThere = true;
    this.#socket.on('pong', () => (isThere = true));
    this.#socket.on('error', () => this.#socket.terminate()); // a frame that is none, or too large
    const timer = setInterval(() => {
      if (!isThere) return this.#socket.terminate();
      isThere = false;
      this.#socket.ping();
    }, pingMs);
    this.#socket.once('close', () => clearInterval(timer));
  }
}
