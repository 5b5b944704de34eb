import { constants, type ServerHttp2Stream } from 'node:http2';
import type { ServerInterceptingCall, ServerInterceptingCallInterface, ServerInterceptor } from '@grpc/grpc-js';
import { deadlineExceeded, messageTooSlow } from '../status/call-errors.ts';
import { statusOf } from '../status/error-status.ts';
import {
  type CallBelowInterceptors,
  callBelowInterceptors,
  type GrpcJsCall,
  http2Stream,
} from '../internals/http2-streams.ts';
import type { ResetGrace } from './reset-grace.ts';
import { MessageDecoder, type MessageHold } from './unfinished-messages.ts';
import type { RpcError } from '../status/rpc-error.ts';
import { effectiveDeadline, type ServerLimits } from './limits.ts';

/** What is known of the requests of a method. */
export interface RequestKind {
  /** Whether there is one request, after which the caller has no more to say. */
  readonly single: boolean;
  /** Whether there is one response, too, so that the call has a deadline. */
  readonly unary: boolean;
  /** The largest request message. */
  readonly maxBytes: number;
}

interface IncomingCallsOptions {
  readonly limits: ServerLimits;
  /** Whose reasons errors have. */
  readonly errorDomain: string;
  readonly resetGrace: ResetGrace;
  /** Finds a method by its path. */
  readonly kindOf: (path: string) => RequestKind | undefined;
  /** What counts the bytes of a stream. */
  readonly heldBy: (stream: ServerHttp2Stream) => MessageHold;
}

/** A call whose request is awaited. */
interface AwaitedCall {
  readonly below: CallBelowInterceptors;
  readonly decoder: MessageDecoder;
  readonly kind: RequestKind;
  /** When the request has to have come, in milliseconds since the epoch; Infinity on a stream of requests. */
  dueMs: number;
}

interface TrackedStream extends ServerHttp2Stream {
  [awaited]?: AwaitedCall;
}
const awaited: unique symbol = Symbol('awaited');

/**
 * Calls from their headers until their request is there. Their deadline, the size of their message, and how long it may
 * take begin with their headers: grpc-js tells nobody of them before the message is whole.
 */
export class IncomingCalls {
  readonly #options: IncomingCallsOptions;
  readonly #awaited = new Set<AwaitedCall>();

  constructor(options: IncomingCallsOptions) {
    this.#options = options;
  }

  /** To be the first of a server's interceptors. */
  readonly interceptor: ServerInterceptor = ({ path }, call) => {
    const below = callBelowInterceptors(call);
    const stream = below.stream as TrackedStream;
    const kind = this.#options.kindOf(path);
    if (kind === undefined) throw new Error(`${path} is served and not known`);
    const { limits, heldBy } = this.#options;
    below.maxReceiveMessageSize = kind.maxBytes; // which bounds what a compressed one becomes
    if (kind.unary) below.deadline = effectiveDeadline(below.deadline, limits);
    const decoder = new MessageDecoder({
      maxBytes: kind.maxBytes,
      compressed: below.incomingEncoding !== 'identity',
      counted: heldBy(stream),
      refuse: (error) => this.#end(tracked, error),
    });
    below.decoder = decoder;
    const dueMs = kind.unary ? below.deadline : kind.single ? Date.now() + limits.defaultDeadlineMs : Infinity;
    const tracked: AwaitedCall = { below, decoder, kind, dueMs };
    stream[awaited] = tracked;
    this.#awaited.add(tracked);
    return call as ServerInterceptingCall; // grpc-js asks for no more than its interface
  };

  /** The request of a call has come, and its caller has no more to say. */
  received(call: GrpcJsCall): void {
    const stream: TrackedStream | undefined = http2Stream(call);
    const tracked = stream?.[awaited];
    if (tracked !== undefined) this.#awaited.delete(tracked);
  }

  /** The stream of a call is closed. */
  closed(stream: ServerHttp2Stream): void {
    const tracked = (stream as TrackedStream)[awaited];
    if (tracked === undefined) return;
    tracked.decoder.close();
    this.#awaited.delete(tracked);
  }

  /** A call was refused. Whatever its caller is still sending is dropped, for a while. */
  refused(call: ServerInterceptingCallInterface): void {
    const { stream } = callBelowInterceptors(call);
    this.closed(stream);
    this.#resetLater(stream);
  }

  /** Ends the calls whose request has not come in time. */
  endWhatIsDue(now: number): void {
    const { defaultDeadlineMs } = this.#options.limits;
    for (const call of this.#awaited) {
      const { below, decoder, kind } = call;
      if (now >= call.dueMs) this.#end(call, kind.unary ? deadlineExceeded() : messageTooSlow(defaultDeadlineMs));
      const { waitingSince } = decoder;
      if (kind.single || waitingSince === undefined) continue;
      if (below.stream.isPaused()) decoder.waitAnew(now); // it is us who do not read
      else if (now - waitingSince >= defaultDeadlineMs) this.#end(call, messageTooSlow(defaultDeadlineMs));
    }
  }

  #end(call: AwaitedCall, error: RpcError): void {
    const { below, decoder } = call;
    this.#awaited.delete(call);
    decoder.close();
    const { stream } = below;
    const answered = stream.headersSent;
    below.sendStatus(statusOf(error, this.#options.errorDomain));
    // Behind a status alone nothing is left to send; behind messages it is.
    if (!answered && !stream.destroyed) stream.close(constants.NGHTTP2_NO_ERROR);
    else this.#resetLater(stream);
  }

  #resetLater(stream: ServerHttp2Stream): void {
    const { resetGrace, limits } = this.#options;
    resetGrace.allow(stream, Date.now() + limits.resetGraceMs, constants.NGHTTP2_CANCEL);
  }
}
