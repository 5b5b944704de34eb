import type { EventEmitter } from 'node:events';
import type {
  sendUnaryData,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  StatusObject,
} from '@grpc/grpc-js';
import { type Metadata, status as Status } from '@grpc/grpc-js';
import type { Method } from '@rollcall/proto';
import { isObservable, type Observable, type Subscription } from 'rxjs';
import { cancelled, deadlineExceeded, idle, over, slowReader } from './call-ends.ts';
import { CallContext, type CallSource, callStorage } from './call-context.ts';
import { pulled } from './demand.ts';
import { statusOf } from './error-status.ts';
import type { Reading } from './half-close.ts';
import { Outbox } from './outbox.ts';
import { RpcError, withMetadata } from './rpc-error.ts';
import type { ServedMethod } from './served-method.ts';
import { requestStream } from './request-stream.ts';
import { checkMessage, checkMetadata, effectiveDeadline, type ServerLimits } from './server-limits.ts';

type AnyCall =
  | ServerUnaryCall<Buffer, Buffer>
  | ServerReadableStream<Buffer, Buffer>
  | ServerWritableStream<Buffer, Buffer>
  | ServerDuplexStream<Buffer, Buffer>;
type Writing = ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;

/** What calls share. */
export interface CallHost {
  readonly limits: ServerLimits;
  /** The calls under way. */
  readonly live: Set<ServerCall>;
  /** Tells of an error whose cause the caller must not see. */
  logUnknownError(error: unknown, context: CallContext): void;
}

/**
 * One call under way. It ends in one of four ways: the handler answers, the handler fails, the caller goes away (or the
 * deadline passes), or the server ends it. In the last two the handler's Observable is torn down and the signal fires.
 */
export class ServerCall implements CallSource {
  readonly method: Method;
  readonly metadata: Metadata;
  readonly deadline: number;
  readonly #served: ServedMethod;
  readonly #host: CallHost;
  readonly #call: AnyCall;
  readonly #context: CallContext;
  /** When the server itself ends the call: a unary one at its deadline, a stream when it was idle for too long. */
  #endsAt: number;
  #abort: AbortController | undefined;
  /** Why the signal fired, or would have, had anyone asked for it. */
  #abortReason: RpcError | undefined;
  #subscription: Subscription | undefined;
  /** The last message of a response stream. */
  #last: object | undefined;
  #fail: (status: StatusObject) => void = () => undefined;
  #done = false;

  constructor(served: ServedMethod, host: CallHost, call: AnyCall) {
    const sent = call.getDeadline();
    const asked = sent instanceof Date ? sent.getTime() : sent;
    const unary = served.method.kind === 'unary';
    this.method = served.method;
    this.metadata = call.metadata;
    this.deadline = unary ? effectiveDeadline(asked, host.limits) : asked;
    this.#endsAt = unary ? this.deadline : Infinity;
    this.#served = served;
    this.#host = host;
    this.#call = call;
    this.#context = new CallContext(this);
    this.#spoken();
    host.live.add(this);
    const events: EventEmitter = call;
    events.on('cancelled', () => {
      if (!this.#done) this.#cancel(Date.now() < this.deadline ? cancelled() : deadlineExceeded());
    });
  }

  getPeer(): string {
    return this.#call.getPeer();
  }

  getSignal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#done) this.#abort.abort(this.#abortReason ?? over());
    }
    return this.#abort.signal;
  }

  sendMetadata(headers: Metadata): void {
    this.#call.sendMetadata(headers);
  }

  /** Ends the call when its time has come. The server asks it every so often, which is cheaper than a timer for each. */
  endIfDue(now: number): void {
    if (now < this.#endsAt) return;
    this.end(this.method.kind === 'unary' ? deadlineExceeded() : idle(this.#host.limits.streamIdleMs));
  }

  /** The answer is one message. */
  respondOnce(request: Buffer | Reading, respond: sendUnaryData<Buffer>): void {
    this.#fail = (status) => respond(status);
    this.#start(request, {
      next: (message) => {
        const encoded = this.#encode(message);
        if (encoded === undefined) return;
        this.#finish();
        respond(null, encoded, this.#context.trailersIfAny);
      },
      complete: () => this.#failWith(new Error('the handler answered nothing')),
    });
  }

  /** The answer is a stream. */
  respondMany(request: Buffer | Reading, writing: Writing): void {
    const outbox = new Outbox(writing, this.#host.limits.maxUnsentBytes);
    this.#fail = (status) => writing.emit('error', status);
    this.#start(request, {
      next: (message) => {
        const encoded = this.#encode(message);
        if (encoded === undefined) return;
        this.#spoken();
        this.#last = message;
        if (!outbox.send(encoded)) this.end(slowReader(this.#host.limits.maxUnsentBytes));
      },
      complete: () => {
        this.#finish();
        writing.end(this.#context.trailers);
      },
    });
  }

  /** Whether it is a stream that its caller can take up again elsewhere. */
  get resumable(): boolean {
    return this.#served.cursorOf !== undefined;
  }

  /** Ends the call with an error of the server's own. A stream that can be taken up again is told behind which item. */
  end(error: RpcError): void {
    if (this.#done) return;
    const cursor = this.#last === undefined ? undefined : this.#served.cursorOf?.(this.#last);
    if (cursor !== undefined) error = withMetadata(error, { cursor });
    this.#fail(statusOf(error, this.#context.trailers));
    this.#cancel(error);
  }

  #start(request: Buffer | Reading, observer: Receiver): void {
    callStorage.run(this.#context, () => {
      let input: object;
      try {
        checkMetadata(this.#context.metadata, this.#host.limits);
        input = Buffer.isBuffer(request)
          ? this.#decode(request)
          : requestStream(request, this.#context, (bytes) => this.#decode(bytes));
      } catch (error) {
        this.#failWith(error);
        return;
      }
      try {
        this.#take(this.#served.handle(input, this.#context), observer);
      } catch (error) {
        this.#failWith(error);
      }
    });
  }

  /** Takes whatever the handler answers with. */
  #take(answer: unknown, observer: Receiver): void {
    if (this.#done) return;
    if (answer instanceof Promise) {
      answer.then(
        (inner: unknown) => this.#take(inner, observer),
        (error: unknown) => this.#failWith(error),
      );
    } else if (isObservable(answer) || isIterable(answer)) {
      const source = (isObservable(answer) ? answer : pulled(() => answer)) as Observable<object>;
      const subscription = source.subscribe({
        next: (message) => {
          if (!this.#done) observer.next(message);
        },
        error: (error: unknown) => this.#failWith(error),
        complete: () => {
          if (!this.#done) observer.complete();
        },
      });
      if (this.#done) subscription.unsubscribe();
      else this.#subscription = subscription;
    } else {
      observer.next(answer as object);
      if (!this.#done) observer.complete();
    }
  }

  /** A message came or went. */
  #spoken(): void {
    if (this.method.kind !== 'unary' && this.#served.mayNotIdle)
      this.#endsAt = Date.now() + this.#host.limits.streamIdleMs;
  }

  #decode(bytes: Buffer): object {
    this.#spoken();
    checkMessage(bytes, this.#served.method.path, this.#host.limits);
    return this.#served.decodeRequest(bytes);
  }

  #encode(message: object): Buffer | undefined {
    try {
      return this.#served.encodeResponse(message);
    } catch (error) {
      this.#failWith(error);
      return undefined;
    }
  }

  #failWith(error: unknown): void {
    if (this.#done) return;
    this.#finish();
    this.#fail(statusOf(this.#known(error), this.#context.trailers));
  }

  #known(error: unknown): RpcError {
    if (error instanceof RpcError) return error;
    this.#host.logUnknownError(error, this.#context);
    return new RpcError(Status.INTERNAL, 'INTERNAL', 'The server failed. Its log has the cause under the request id.', {
      metadata: { requestId: this.#context.requestId },
    });
  }

  #cancel(reason: RpcError): void {
    if (this.#done) return;
    this.#abortReason = reason;
    this.#abort?.abort(reason);
    this.#finish();
  }

  #finish(): void {
    this.#done = true;
    this.#host.live.delete(this);
    if (this.#abort === undefined && this.#subscription?.closed !== false) return;
    // After this turn, so that a source that is emitting right now is not torn down inside its own `next`.
    queueMicrotask(() => {
      this.#subscription?.unsubscribe();
      this.#abort?.abort(over());
    });
  }
}

/** Takes what a handler answers. */
interface Receiver {
  readonly next: (message: object) => void;
  readonly complete: () => void;
}

function isIterable(answer: unknown): answer is AsyncIterable<object> | Iterable<object> {
  return typeof answer === 'object' && answer !== null && (Symbol.asyncIterator in answer || Symbol.iterator in answer);
}
