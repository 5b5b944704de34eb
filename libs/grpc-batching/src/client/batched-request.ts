import { AsyncResource } from 'node:async_hooks';
import { Metadata, status as Status } from '@grpc/grpc-js';
import {
  Backends,
  endOfParent,
  eachBackend,
  errorFromStatus,
  markSent,
  type OutgoingCall,
  type RpcError,
  type CallPlainly,
  type ChannelPlugin,
} from '@rollcall/grpc';
import type { WaitingCall } from './waiting-call.ts';
import { BatchingChannel, type BatchClientOptions } from './batching-channel.ts';
import type { ReplyEntry } from '../wire/frames.ts';

/** What grpc-js takes when it is told nothing. */
const defaultMaxResponseBytes = 4 * 1024 * 1024;

const connectionOptions = {
  // Nothing is kept to be sent again: the plug-in does that itself.
  'grpc.per_rpc_retry_buffer_size': -1,
  // An answer that is too large is an error of its call, not of the stream that carries others too.
  'grpc.max_receive_message_length': -1,
  'grpc.service_config': JSON.stringify({ loadBalancingConfig: [eachBackend] }),
  'grpc.service_config_disable_resolution': 1,
  // A server that comes back is found within a second, also at another address.
  'grpc.max_reconnect_backoff_ms': 500,
  'grpc.dns_min_time_between_resolutions_ms': 500,
};

/**
 * Puts small unary calls into messages of a stream, which costs a fraction of a call each (docs/batched-calls.md); to a
 * server that takes none they are made plainly. They go over connections of their own, one to each server behind the
 * target.
 */
export function batchClient(options: Partial<BatchClientOptions> = {}): ChannelPlugin {
  return {
    attach: (connect, channelOptions) => {
      const backends = new Backends();
      const client = connect({ ...connectionOptions, ...backends.channelOptions });
      const maxBytes = channelOptions['grpc.max_receive_message_length'] ?? defaultMaxResponseBytes;
      const channel = new BatchingChannel(client, backends, options, maxBytes < 0 ? Infinity : maxBytes);
      return {
        call: (outgoing, metadataBytes, callPlainly) => callBatched(channel, outgoing, metadataBytes, callPlainly),
        close: () => channel.close(),
      };
    },
  };
}

/** Makes a unary call that a stream carries, if it can be, and otherwise with a stream of its own. */
function callBatched<Request, Response>(
  channel: BatchingChannel,
  outgoing: OutgoingCall<Request, Response> & { readonly input: Request },
  metadataBytes: number,
  callPlainly: CallPlainly<Response>,
): () => void {
  const { method, input } = outgoing;
  let request: Buffer;
  try {
    request = method.encode(input);
  } catch {
    return callPlainly(outgoing); // which fails in the same way, and tells of it as it always does
  }
  const call = new BatchedRequest(channel, outgoing, request, request.length + metadataBytes, callPlainly);
  return call.start();
}

/**
 * A call on its way. What its end leads to belongs to whoever made it, not to whoever was the first to need the stream: a
 * snapshot of AsyncLocalStorage means the same as an AsyncResource, and takes fifty times as long.
 */
class BatchedRequest<Request, Response> extends AsyncResource implements WaitingCall {
  readonly method: string;
  readonly metadata: Metadata;
  readonly deadline: number;
  readonly request: Buffer;
  readonly bytes: number;
  readonly idempotent: boolean;
  readonly #channel: BatchingChannel;
  readonly #outgoing: OutgoingCall<Request, Response>;
  readonly #callPlainly: CallPlainly<Response>;
  #onAbort: (() => void) | undefined;
  #cancelPlain: (() => void) | undefined;

  constructor(
    channel: BatchingChannel,
    outgoing: OutgoingCall<Request, Response>,
    request: Buffer,
    bytes: number,
    callPlainly: CallPlainly<Response>,
  ) {
    super('BatchedRequest', { requireManualDestroy: true });
    const { method, metadata, deadline } = outgoing;
    this.method = method.path;
    this.metadata = metadata;
    this.deadline = deadline;
    this.request = request;
    this.bytes = bytes;
    this.idempotent = method.idempotent ?? false;
    this.#channel = channel;
    this.#outgoing = outgoing;
    this.#callPlainly = callPlainly;
  }

  /** Makes the call. @returns what cancels it */
  start(): () => void {
    if (!this.#channel.carries(this.bytes)) return this.#makePlainly();
    const { parent, subscriber } = this.#outgoing;
    if (parent !== undefined) {
      this.#onAbort = (): void => {
        this.#channel.cancel(this);
        subscriber.error(endOfParent(parent.signal));
      };
      parent.signal.addEventListener('abort', this.#onAbort);
    }
    this.#channel.call(this);
    return () => {
      this.#leaveParent();
      if (this.#cancelPlain === undefined) this.#channel.cancel(this);
      else this.#cancelPlain();
    };
  }

  reply(reply: ReplyEntry): void {
    // Plain calls have retries of their own, which then go on.
    if (this.idempotent && unavailable(reply)) this.sendPlainly();
    else this.runInAsyncScope(take<Request, Response>, null, reply, this.#outgoing, this.#channel.maxResponseBytes);
  }

  fail(error: RpcError): void {
    this.runInAsyncScope(() => this.#outgoing.subscriber.error(error));
  }

  sendPlainly(): void {
    this.runInAsyncScope(() => {
      this.#leaveParent();
      try {
        this.#cancelPlain = this.#makePlainly();
      } catch (error) {
        this.#outgoing.subscriber.error(error); // the channel was closed meanwhile
      }
    });
  }

  #makePlainly(): () => void {
    const { method } = this.#outgoing;
    const { path, requestStream, responseStream } = method;
    const decode = (bytes: Buffer): Response => method.decode(bytes);
    const encode = (): Buffer => this.request;
    const encoded = { path, requestStream, responseStream, idempotent: this.idempotent, encode, decode };
    return this.#callPlainly({ ...this.#outgoing, method: encoded });
  }

  #leaveParent(): void {
    if (this.#onAbort !== undefined) this.#outgoing.parent?.signal.removeEventListener('abort', this.#onAbort);
  }
}

/** Whether a call was not answered: what came with headers counts as an answer. */
function unavailable({ status, headers }: ReplyEntry): boolean {
  return status === unavailableCode && headers === undefined;
}

const unavailableCode: number = Status.UNAVAILABLE;

/** Takes the answer to a call that was carried, as grpc-js does with one that was not. */
function take<Request, Response>(
  reply: ReplyEntry,
  { method, options: { onHeaders, onTrailers }, subscriber }: OutgoingCall<Request, Response>,
  maxResponseBytes: number,
): void {
  const trailers = reply.trailers ?? new Metadata();
  const fail = (code: Status, details: string): void => {
    onTrailers?.(trailers);
    subscriber.error(markSent(errorFromStatus({ code, details, metadata: trailers })));
  };
  if (reply.status !== 0) {
    if (reply.headers !== undefined) onHeaders?.(reply.headers);
    fail(reply.status, reply.message);
    return;
  }
  onHeaders?.(reply.headers ?? new Metadata());
  const { length } = reply.response;
  if (length > maxResponseBytes) {
    fail(Status.RESOURCE_EXHAUSTED, `Received message larger than max (${length} vs ${maxResponseBytes})`);
    return;
  }
  let response: Response;
  try {
    response = method.decode(reply.response);
  } catch (error) {
    fail(Status.INTERNAL, `Response message parsing error: ${error instanceof Error ? error.message : ''}`);
    return;
  }
  subscriber.next(response);
  subscriber.complete();
  onTrailers?.(trailers);
}
