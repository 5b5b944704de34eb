import { constants, type ServerHttp2Session } from 'node:http2';
import type { ServerDuplexStream, ServerWritableStream, StatusObject } from '@grpc/grpc-js';
import { type Metadata, status as Status } from '@grpc/grpc-js';
import type { Method } from '@rollcall/contract';
import { isObservable, type Observable, type Observer, type Subscription } from 'rxjs';
import { type Admission, admissionOf } from './authorization.ts';
import { callerNames } from '../security/caller-names.ts';
import { deadlineExceeded, givenUp, idle, over, slowReader } from '../status/call-errors.ts';
import { CallContext, type CallSource, callStorage } from '../context/call-context.ts';
import { fromIterable } from '../backpressure/backpressure.ts';
import { statusOf } from '../status/error-status.ts';
import type { Reading } from '../connections/half-close.ts';
import { type BelowCall, http2Stream } from '../internals/http2-streams.ts';
import type { ResetGrace } from '../connections/reset-grace.ts';
import { WriteBuffer, type WriteBufferBudget } from '../backpressure/write-buffer.ts';
import { RpcError, unknownError, withMetadata } from '../status/rpc-error.ts';
import type { ServedMethod } from './served-method.ts';
import { requestStream } from './request-stream.ts';
import { checkMessage, effectiveDeadline, type ServerLimits } from '../connections/limits.ts';

type Writing = ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;

/** Takes the answer to a call of one message: a status that tells of an error, or a response. */
export type Respond = (error: StatusObject | null, response?: Buffer, trailers?: Metadata) => void;

/** What calls share. */
export interface CallHost {
  readonly limits: ServerLimits;
  /** Whose reasons errors have. */
  readonly errorDomain: string;
  /** The calls under way. */
  readonly live: Set<ServerCall>;
  /** What calls that are over still have to send. */
  readonly resetGrace: ResetGrace;
  /** What waits for their readers. */
  readonly writeBufferBudget: WriteBufferBudget;
  /** Tells of an error whose cause the caller must not see. */
  logUnknownError(error: unknown, context: CallContext): void;
}

/**
 * One call under way. It ends in one of four ways: the handler answers, the handler fails, the caller goes away (or the
 * deadline passes), or the server ends it. In the last two the handler's Observable is torn down and the signal fires.
 */
export class ServerCall implements CallSource, Observer<object> {
  readonly method: Method;
  readonly metadata: Metadata;
  readonly deadline: number;
  readonly #served: ServedMethod;
  readonly #host: CallHost;
  readonly #call: BelowCall;
  readonly #context: CallContext;
  readonly #admission: Admission | undefined;
  #onOver: (() => void) | undefined;
  /** When the server itself ends the call: a unary one at its deadline, a stream when it was idle for too long. */
  #endsAt: number;
  #abort: AbortController | undefined;
  /** Why the signal fired, or would have, had anyone asked for it. */
  #abortReason: RpcError | undefined;
  #subscription: Subscription | undefined;
  /** The last message of a response stream that can be taken up again. */
  #last: object | undefined;
  /** Where the answer goes: a message, or a stream of them. */
  #respond: Respond | undefined;
  #writing: Writing | undefined;
  #writeBuffer: WriteBuffer | undefined;
  #done = false;

  constructor(served: ServedMethod, host: CallHost, call: BelowCall) {
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
    this.#admission = admissionOf(call.metadata);
    this.#context = new CallContext(this);
    this.#spoken();
    host.live.add(this);
    call.on('cancelled', () => {
      if (!this.#done) this.#cancel(givenUp(this.deadline));
    });
    this.#onOver = this.#admission?.onOpen?.((error) => this.end(error));
  }

  get caller(): unknown {
    return this.#admission?.caller;
  }

  getPeer(): string {
    return this.#call.getPeer();
  }

  getCallerNames(): readonly string[] {
    const session = http2Stream(this.#call.batch ?? this.#call)?.session as ServerHttp2Session | undefined;
    return session === undefined ? [] : callerNames(session);
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
  respondOnce(request: Buffer | Reading, respond: Respond): void {
    this.#respond = respond;
    callStorage.run(this.#context, ServerCall.#start, this, request);
  }

  /** The answer is a stream. */
  respondMany(request: Buffer | Reading, writing: Writing): void {
    this.#writing = writing;
    this.#writeBuffer = new WriteBuffer(writing, this.#host.limits.maxUnsentBytes, this.#host.writeBufferBudget);
    callStorage.run(this.#context, ServerCall.#start, this, request);
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
    this.#sendStatus(error);
    this.#cancel(error);
    const { resetGraceMs } = this.#host.limits;
    const tooSlow = error.code === Status.RESOURCE_EXHAUSTED;
    this.#resetLater(
      Date.now() + resetGraceMs,
      tooSlow ? constants.NGHTTP2_ENHANCE_YOUR_CALM : constants.NGHTTP2_CANCEL,
    );
  }

  /** The handler answers a message. */
  next(message: object): void {
    if (this.#done) return;
    let encoded: Buffer;
    try {
      encoded = this.#served.encodeResponse(message);
    } catch (error) {
      this.error(error);
      return;
    }
    if (this.#respond !== undefined) {
      this.#finish();
      this.#respond(null, encoded, this.#context.trailersIfAny);
      if (encoded.length > windowBytes) this.#resetLater(this.deadline, constants.NGHTTP2_CANCEL);
      return;
    }
    this.#spoken();
    if (this.#served.cursorOf !== undefined) this.#last = message;
    if (this.#writeBuffer?.send(encoded) === false) this.end(slowReader(this.#host.limits.maxUnsentBytes));
  }

  /** The handler has answered all. */
  complete(): void {
    if (this.#done) return;
    if (this.#writing === undefined) {
      this.error(new Error('the handler answered nothing'));
      return;
    }
    this.#finish();
    this.#writing.end(this.#context.trailers);
    this.#letGoWhenIdle();
  }

  /** The handler, or what stands before it, has failed. */
  error(error: unknown): void {
    if (this.#done) return;
    this.#finish();
    this.#sendStatus(this.#known(error));
    this.#letGoWhenIdle();
  }

  static #start(this: void, call: ServerCall, request: Buffer | Reading): void {
    try {
      const input = Buffer.isBuffer(request)
        ? call.#decode(request)
        : requestStream(request, call.#context, (bytes) => call.#decode(bytes));
      call.#take(call.#served.handle(input, call.#context));
    } catch (error) {
      call.error(error);
    }
  }

  /** Takes whatever the handler answers with. */
  #take(answer: unknown): void {
    if (this.#done) return;
    if (answer instanceof Promise) {
      answer.then(
        (inner: unknown) => this.#take(inner),
        (error: unknown) => this.error(error),
      );
    } else if (isObservable(answer) || isIterable(answer)) {
      const source = (isObservable(answer) ? answer : fromIterable(() => answer)) as Observable<object>;
      const subscription = source.subscribe(this);
      if (this.#done) subscription.unsubscribe();
      else this.#subscription = subscription;
    } else {
      this.next(answer as object);
      this.complete();
    }
  }

  /** A message came or went. */
  #spoken(): void {
    if (this.method.kind !== 'unary' && this.#served.mayNotIdle)
      this.#endsAt = Date.now() + this.#host.limits.streamIdleMs;
  }

  #decode(bytes: Buffer): object {
    this.#spoken();
    checkMessage(bytes, this.#served.maxRequestBytes);
    const request = this.#served.decodeRequest(bytes);
    this.#admission?.checkRequest?.(request);
    return request;
  }

  #sendStatus(error: RpcError): void {
    const status = statusOf(error, this.#host.errorDomain, this.#context.trailers);
    if (this.#respond !== undefined) this.#respond(status);
    else this.#writing?.emit('error', status);
  }

  /** A reader that takes nothing more of a stream that is over is as idle as one that is open. */
  #letGoWhenIdle(): void {
    if (this.#writing !== undefined)
      this.#resetLater(Date.now() + this.#host.limits.streamIdleMs, constants.NGHTTP2_CANCEL);
  }

  /** Of a batched call, the stream that it shares with others goes on. */
  #resetLater(untilMs: number, rstCode: number): void {
    this.#host.resetGrace.allow(http2Stream(this.#call), untilMs, rstCode);
  }

  #known(error: unknown): RpcError {
    if (error instanceof RpcError) return error;
    this.#host.logUnknownError(error, this.#context);
    return unknownError(this.#context.requestId);
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
    this.#onOver?.();
    if (this.#abort === undefined && this.#subscription?.closed !== false) return;
    // After this turn, so that a source that is emitting right now is not torn down inside its own `next`.
    queueMicrotask(() => {
      this.#subscription?.unsubscribe();
      this.#abort?.abort(over());
    });
  }
}

/** What HTTP/2 lets a call send before its reader has asked for more. */
const windowBytes = 65_535;

function isIterable(answer: unknown): answer is AsyncIterable<object> | Iterable<object> {
  return typeof answer === 'object' && answer !== null && (Symbol.asyncIterator in answer || Symbol.iterator in answer);
}
