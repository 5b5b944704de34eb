import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ClientWritableStream,
  credentials as channelCredentials,
  type Metadata,
  type ServiceError,
  status as Status,
} from '@grpc/grpc-js';
import { codecsOf, type Contract, type Method } from '@rollcall/contract';
import { Observable } from 'rxjs';
import { Backends } from './backends.ts';
import { endOfParent, givenUp, metadataTooLarge } from '../status/call-errors.ts';
import { currentCall, inheritMetadata } from '../context/call-context.ts';
import { identity, receive, send } from './client-stream.ts';
import { errorFromStatus } from '../status/error-status.ts';
import { metadataBytes } from '../context/metadata-size.ts';
import type { CallableMethod, CallOptions, OutgoingCall } from './call-options.ts';
import { RpcError } from '../status/rpc-error.ts';
import { markSent } from '../status/sent-errors.ts';
import { sentByServer } from '../internals/status-order.ts';
import '../internals/wire-form.ts';
import { connectionOptions } from './service-config.ts';
import { TlsChannelCredentials } from '../security/tls-credentials.ts';
import type { TlsFiles } from '../security/tls-files.ts';
import type { ChannelPlugin, UnaryCalls } from './unary-calls.ts';

export interface GrpcChannelOptions {
  /**
   * Speaks TLS when there are authorities among these files, and verifies the service by them; shows the certificate that
   * is among them to a service that asks for one. By default, plain text.
   */
  readonly tls?: TlsFiles;
  /** In place of `tls`: what grpc-js is to connect with. */
  readonly credentials?: ChannelCredentials;
  /** The deadline of calls that are given none and whose response is one message, in milliseconds; 15,000 by default. */
  readonly defaultDeadlineMs?: number;
  /** What may wait to be sent when the source of a request stream does not heed demand, in bytes; 4 MiB by default. */
  readonly maxUnsentBytes?: number;
  /** The contracts of the services behind the target: their idempotent methods are retried (see service-config.ts). */
  readonly contracts?: readonly Contract[];
  /** Makes the unary calls that have a deadline, such as `batchClient()`; by default each has a stream of its own. */
  readonly unaryCalls?: ChannelPlugin;
  /** Further options of grpc-js. */
  readonly channelOptions?: ChannelOptions;
}

/** A client of grpc-js, and the servers that it has connections to. */
interface Connected {
  readonly client: Client;
  readonly backends: Backends;
}

type AnyCall =
  | ClientUnaryCall
  | ClientReadableStream<unknown>
  | ClientWritableStream<unknown>
  | ClientDuplexStream<unknown, unknown>;

/**
 * Request streams have a connection of their own, which keeps nothing to be sent again: grpc-js keeps up to a megabyte of
 * each call for that, says of it that it was sent, and goes through all of it for each message. A limit below 0 holds
 * also for messages without a byte.
 */
const withoutRetries = { 'grpc.per_rpc_retry_buffer_size': -1 };

const defaultDeadlineMs = 15_000;
const defaultMaxUnsentBytes = 4 * 1024 * 1024;
/** Beyond it servers end the connection, and with it all other calls (see ServerLimits.maxMetadataBytes). */
const maxMetadataBytes = 64 * 1024;

/**
 * A connection to a service. Each call is an Observable: subscribing starts it, unsubscribing cancels it, and demand
 * crosses it both ways (see backpressure.ts). Errors are RpcErrors. A call made while another is served inherits its request
 * id, its trace and what is left of its deadline, and is cancelled with it.
 */
export class GrpcChannel {
  readonly #plain: Connected;
  readonly #uploads: () => Connected;
  #uploading: Connected | undefined;
  readonly #unwatch: (() => void) | undefined;
  readonly #defaultDeadlineMs: number;
  readonly #maxUnsentBytes: number;
  readonly #unaryCalls: UnaryCalls | undefined;

  /** @param target where the service is: `127.0.0.1:50051`, `dns:///user-service:50051`, `unix:///…` */
  constructor(target: string, options: GrpcChannelOptions = {}) {
    const tls = options.tls?.verifiesPeers === true ? options.tls : undefined;
    const { credentials = tls === undefined ? channelCredentials.createInsecure() : new TlsChannelCredentials(tls) } =
      options;
    this.#unwatch = tls?.watch();
    const clientOptions = { ...connectionOptions(options.contracts ?? []), ...options.channelOptions };
    const connect = (more: ChannelOptions): Connected => {
      const backends = new Backends();
      const client = new Client(target, credentials, { ...clientOptions, ...more, ...backends.channelOptions });
      return { client, backends };
    };
    this.#plain = connect({});
    this.#uploads = () => (this.#uploading ??= connect(withoutRetries));
    this.#defaultDeadlineMs = options.defaultDeadlineMs ?? defaultDeadlineMs;
    this.#maxUnsentBytes = options.maxUnsentBytes ?? defaultMaxUnsentBytes;
    this.#unaryCalls = options.unaryCalls?.attach(
      (own) => new Client(target, credentials, { ...clientOptions, ...own }),
      clientOptions,
    );
  }

  /** Calls a method. @param input the request, or an Observable of requests where the method takes a stream */
  call<Request, Response>(
    method: CallableMethod<Request, Response>,
    input: Request | Observable<Request>,
    options: CallOptions = {},
  ): Observable<Response> {
    return new Observable<Response>((subscriber) => {
      const parent = currentCall();
      const deadline = Math.min(
        options.deadline ?? (method.responseStream ? Infinity : Date.now() + this.#defaultDeadlineMs),
        parent?.deadline ?? Infinity,
      );
      const metadata = inheritMetadata(options.metadata, parent);
      const bytes = metadataBytes(metadata);
      if (bytes > maxMetadataBytes) {
        subscriber.error(metadataTooLarge(bytes, maxMetadataBytes));
        return undefined;
      }
      const outgoing = { method, input, options, subscriber, parent, deadline, metadata };
      const unary = !method.requestStream && !method.responseStream;
      const callPlainly = <In>(call: OutgoingCall<In, Response>): (() => void) => this.#callPlainly(call);
      return unary && this.#unaryCalls !== undefined && deadline !== Infinity
        ? this.#unaryCalls.call({ ...outgoing, input: input as Request }, bytes, callPlainly)
        : callPlainly(outgoing);
    });
  }

  /** Makes a call with a stream of its own. @returns what cancels it */
  #callPlainly<Request, Response>(outgoing: OutgoingCall<Request, Response>): () => void {
    const { method, input, options, subscriber, parent, deadline, metadata } = outgoing;
    const callOptions = deadline === Infinity ? {} : { deadline };
    const fail = (error: ServiceError | RpcError): void => {
      if (!(error instanceof RpcError) && error.metadata !== undefined) options.onTrailers?.(error.metadata);
      if (error instanceof RpcError) subscriber.error(error);
      // A server that counts down the same deadline may reset the call a moment before it passes here.
      else subscriber.error(error.code === Status.CANCELLED ? atDeadline(error, deadline) : received(error));
    };
    const encode = (request: Request): Buffer => method.encode(request);
    const decode = (bytes: Buffer): Response => method.decode(bytes);
    const decodeOnly = (bytes: Buffer): Response => {
      // grpc-js asks for one message of such a call, and would wait up to the deadline behind a second one.
      call.call?.startRead();
      return method.decode(bytes);
    };
    const onResponse = (error: ServiceError | null, response?: Response): void => {
      if (error !== null) {
        fail(error);
        return;
      }
      subscriber.next(response as Response);
      subscriber.complete();
    };

    const { client, backends } = method.requestStream ? this.#uploads() : this.#plain;
    backends.lookAgain();
    const call = withoutStack((): AnyCall => {
      if (method.requestStream && method.responseStream) {
        return client.makeBidiStreamRequest(method.path, identity, identity, metadata, callOptions);
      }
      if (method.requestStream) {
        return client.makeClientStreamRequest(method.path, identity, decode, metadata, callOptions, onResponse);
      }
      const request = input as Request;
      return method.responseStream
        ? client.makeServerStreamRequest(method.path, encode, identity, request, metadata, callOptions)
        : client.makeUnaryRequest(method.path, encode, decodeOnly, request, metadata, callOptions, onResponse);
    });

    let ended = false;
    call.on('metadata', (headers: Metadata) => options.onHeaders?.(headers));
    call.on('status', ({ metadata: trailers }: { metadata: Metadata }) => {
      ended = true;
      options.onTrailers?.(trailers);
    });
    let failedRequests: RpcError | undefined;
    const complete = (): void => (failedRequests === undefined ? subscriber.complete() : fail(failedRequests));
    if ('read' in call) receive(call as ClientReadableStream<Buffer>, decode, subscriber, fail, complete);
    const failAtEnd = 'read' in call ? (error: RpcError) => void (failedRequests = error) : undefined;
    const sending =
      'write' in call
        ? send(
            call as ClientWritableStream<Buffer>,
            input as Observable<Request>,
            encode,
            this.#maxUnsentBytes,
            fail,
            failAtEnd,
          )
        : undefined;

    const cancel = (): void => {
      if (!ended) call.cancel();
    };
    const onParentOver = (): void => {
      if (parent !== undefined) subscriber.error(endOfParent(parent.signal));
      cancel();
    };
    parent?.signal.addEventListener('abort', onParentOver);
    return () => {
      parent?.signal.removeEventListener('abort', onParentOver);
      sending?.unsubscribe();
      cancel();
    };
  }

  /**
   * A client with a method for each RPC of a service, in the shape of the generated client interface. The second
   * parameter of each method is CallOptions.
   *
   * @throws Error when the contract has no such service
   */
  client<Service extends object>(contract: Contract, service: string): Service {
    const codecs = codecsOf(contract);
    const client: Record<string, (input: object, options?: CallOptions) => Observable<object>> = {};
    for (const method of contract.methods.values()) {
      const codec = codecs.get(method.path);
      if (method.service !== service || codec === undefined) continue;
      const callable = callableMethod(method, codec.encodeRequest, codec.decodeResponse);
      client[method.localName] = (input, options) => this.call(callable, input, options);
    }
    if (Object.keys(client).length === 0) throw new Error(`the contract has no service ${service}`);
    return client as Service;
  }

  /** Waits until the connection is up. @throws Error when it is not by the deadline, in milliseconds since the epoch */
  ready(deadline: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#plain.client.waitForReady(deadline, (error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  /** Closes the connection once the calls under way have ended. */
  close(): void {
    this.#unwatch?.();
    this.#unaryCalls?.close();
    this.#uploading?.client.close();
    this.#plain.client.close();
  }
}

/** A method of the table as a caller needs it, with the codec that the caller prefers. */
export function callableMethod<Request, Response>(
  { path, requestStream, responseStream, idempotent }: Method,
  encode: (request: Request) => Buffer,
  decode: (bytes: Buffer) => Response,
): CallableMethod<Request, Response> {
  return { path, requestStream, responseStream, idempotent, encode, decode };
}

function atDeadline(error: ServiceError, deadline: number): RpcError {
  const known = givenUp(deadline);
  return known.code === Status.CANCELLED ? received(error) : known;
}

function received(error: ServiceError): RpcError {
  return sentByServer(error) ? markSent(errorFromStatus(error)) : errorFromStatus(error);
}

/** Makes a call without the stack trace that grpc-js takes for each, some 5 % of a call: our errors are made anew. */
function withoutStack<T>(make: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
