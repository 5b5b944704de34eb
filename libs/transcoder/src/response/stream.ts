import type { ServerResponse } from 'node:http';
import type { JsonValue } from '@bufbuild/protobuf';
import { reportBackpressure } from '@rollcall/grpc';
import type { Observable, Subscription } from 'rxjs';
import { breakOff } from '../http/http2.ts';
import type { Problem } from '../problem/problem.ts';
import type { StreamForm } from './stream-form.ts';

/** How long a stream may be silent before its headers are sent without a first item. Until then a failure is a plain HTTP status. */
const openAfterMs = 1000;
const heartbeatMs = 15_000;
/** How long a reader has to take the error that ends its stream. */
const resetGraceMs = 2000;

export interface StreamResponseOptions {
  readonly form: StreamForm;
  readonly headers: Record<string, string | number | string[] | undefined>;
  readonly eventId: (item: JsonValue) => string | undefined;
  readonly problemOf: (error: unknown) => Problem;
  /** Whether the headers are all that is asked for, as by HEAD. */
  readonly headersOnly: boolean;
  /** Whether a stream without an item is answered 204: it tells a reader of events that goes on that it has them all. */
  readonly emptyIsOver: boolean;
}

/**
 * Writes a stream to an HTTP response. The source is held up while the socket is full, and torn down when the caller
 * goes away.
 */
export class StreamResponse {
  readonly #response: ServerResponse;
  readonly #options: StreamResponseOptions;
  #subscription: Subscription | undefined;
  #drained: PromiseWithResolvers<void> | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(response: ServerResponse, options: StreamResponseOptions) {
    this.#response = response;
    this.#options = options;
  }

  /**
   * Writes all items of all messages.
   *
   * @returns once the response has ended, in whatever way
   * @throws the error of the source, when it fails before anything was written
   */
  write(source: Observable<readonly JsonValue[]>): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const opening = setTimeout(() => this.#open(), openAfterMs);
    const close = (): void => {
      this.#ended = true;
      clearTimeout(opening);
      clearInterval(this.#heartbeat);
      this.#relieve();
      this.#subscription?.unsubscribe();
      resolve();
    };
    this.#response.on('drain', () => this.#relieve());
    this.#response.on('close', close);
    if (this.#response.destroyed) close(); // the caller went away before
    const subscription = source.subscribe({
      next: (items) => {
        clearTimeout(opening);
        this.#open();
        this.#send(this.#options.form.items(items, this.#options.eventId));
      },
      error: (error: unknown) => {
        clearTimeout(opening);
        if (!this.#response.headersSent) {
          this.#ended = true;
          this.#response.off('close', close);
          reject(error);
        } else this.#fail(this.#options.problemOf(error));
      },
      complete: () => {
        clearTimeout(opening);
        if (this.#options.emptyIsOver && !this.#response.headersSent)
          this.#response.writeHead(204, this.#options.headers);
        else this.#open();
        this.#end(this.#options.form.end());
      },
    });
    this.#subscription = subscription;
    if (this.#ended) subscription.unsubscribe();
    return promise;
  }

  /** Says goodbye, where the form has a word for it, so that the caller comes back to another server. */
  bye(): boolean {
    const { form } = this.#options;
    if (this.#ended || form.bye === undefined) return false;
    this.#open();
    this.#subscription?.unsubscribe();
    this.#end(form.bye());
    return true;
  }

  /** Ends the stream with an error, because the server ends. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#open();
    this.#subscription?.unsubscribe();
    this.#fail(this.#options.problemOf(error));
  }

  /** Closes the connection without another word. */
  cut(): void {
    breakOff(this.#response);
  }

  #open(): void {
    if (this.#response.headersSent || this.#ended) return;
    const { form, headers, headersOnly } = this.#options;
    this.#response.writeHead(200, {
      ...headers,
      'content-type': form.contentType,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-accel-buffering': 'no', // proxies pass each item on as it comes
    });
    this.#response.flushHeaders();
    if (headersOnly) {
      this.#subscription?.unsubscribe();
      this.#end('');
      return;
    }
    this.#send(form.open());
    const { heartbeat } = form;
    if (heartbeat !== undefined) this.#heartbeat = setInterval(() => this.#send(heartbeat), heartbeatMs);
  }

  /** @param bytes what is sent; text of any length would wait in three times its memory */
  #send(bytes: string | Buffer): void {
    if (bytes.length === 0 || this.#ended || this.#response.write(bytes)) return;
    this.#drained ??= Promise.withResolvers();
    reportBackpressure(this.#drained.promise);
  }

  #relieve(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  #end(text: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#heartbeat);
    this.#response.end(text);
  }

  #fail(problem: Problem): void {
    if (this.#ended) return;
    const { form } = this.#options;
    const lastWord = form.fail(problem);
    if (!form.breaksOff) return this.#end(lastWord);
    this.#ended = true;
    // Without the last chunk of the transfer encoding the body is incomplete to every HTTP client.
    this.#response.write(lastWord === '' ? ' ' : lastWord, () => this.cut());
    // A reader that has stopped does not hold the connection for it.
    const timer = setTimeout(() => this.cut(), resetGraceMs);
    this.#response.on('close', () => clearTimeout(timer));
  }
}
