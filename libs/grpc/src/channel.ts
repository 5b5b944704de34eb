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
} from '@grpc/grpc-js';
import { codecsOf, type Contract, type Method } from '@rollcall/proto';
import { Observable } from 'rxjs';
import { metadataTooLarge } from './call-ends.ts';
import { currentCall, inheritMetadata } from './call-context.ts';
import { identity, receive, send } from './client-stream.ts';
import { errorFromStatus } from './error-status.ts';
import { RpcError } from './rpc-error.ts';
import { connectionOptions } from './service-config.ts';
import { TlsChannelCredentials } from './tls-credentials.ts';
import type { TlsFiles } from './tls-files.ts';

/** What one call may say beside its request. */
export interface CallOptions {
  readonly metadata?: Metadata;
  /** When the call ends at the latest, in milliseconds since the epoch. It never outlives the call that it is made for. */
  readonly deadline?: number;
  /** Takes the headers, which come before the first message. */
  readonly onHeaders?: (headers: Metadata) => void;
  /** Takes the trailers, which come with the status. */
  readonly onTrailers?: (trailers: Metadata) => void;
}

/** A method as a caller needs it: its path and kind, and how its messages are written and read. */
export interface CallableMethod<Request, Response> {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  encode(request: Request): Buffer;
  /** @throws Error when the bytes are no response of this method */
  decode(bytes: Buffer): Response;
}

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
  /** Further options of grpc-js. */
  readonly channelOptions?: ChannelOptions;
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
 * crosses it both ways (see demand.ts). Errors are RpcErrors. A call made while another is served inherits its request
 * id, its trace and what is left of its deadline, and is cancelled with it.
 */
export class GrpcChannel {
  readonly #client: Client;
  readonly #uploads: () => Client;
  #uploading: Client | undefined;
  readonly #unwatch: (() => void) | undefined;
  readonly #defaultDeadlineMs: number;
  readonly #maxUnsentBytes: number;

  /** @param target where the service is: `127.0.0.1:50051`, `dns:///user-service:50051`, `unix:///…` */
  constructor(target: string, options: GrpcChannelOptions = {}) {
    const tls = options.tls?.verifiesPeers === true ? options.tls : undefined;
    const { credentials = tls === undefined ? channelCredentials.createInsecure() : new TlsChannelCredentials(tls) } =
      options;
    this.#unwatch = tls?.watch();
    const clientOptions = { ...connectionOptions(options.contracts ?? []), ...options.channelOptions };
    this.#client = new Client(target, credentials, clientOptions);
    this.#uploads = () =>
      (this.#uploading ??= new Client(target, credentials, { ...clientOptions, ...withoutRetries }));
    this.#defaultDeadlineMs = options.defaultDeadlineMs ?? defaultDeadlineMs;
    this.#maxUnsentBytes = options.maxUnsentBytes ?? defaultMaxUnsentBytes;
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
      const metadataBytes = sizeOf(metadata);
      if (metadataBytes > maxMetadataBytes) {
        subscriber.error(metadataTooLarge(metadataBytes, maxMetadataBytes));
        return undefined;
      }
      const callOptions = deadline === Infinity ? {} : { deadline };
      const fail = (error: ServiceError | RpcError): void => {
        if (!(error instanceof RpcError) && error.metadata !== undefined) options.onTrailers?.(error.metadata);
        subscriber.error(error instanceof RpcError ? error : errorFromStatus(error));
      };
      const encode = (request: Request): Buffer => method.encode(request);
      const decode = (bytes: Buffer): Response => method.decode(bytes);
      const onResponse = (error: ServiceError | null, response?: Response): void => {
        if (error !== null) {
          fail(error);
          return;
        }
        subscriber.next(response as Response);
        subscriber.complete();
      };

      const call = withoutStack((): AnyCall => {
        if (method.requestStream && method.responseStream) {
          return this.#uploads().makeBidiStreamRequest(method.path, identity, decode, metadata, callOptions);
        }
        if (method.requestStream) {
          return this.#uploads().makeClientStreamRequest(
            method.path,
            identity,
            decode,
            metadata,
            callOptions,
            onResponse,
          );
        }
        const request = input as Request;
        return method.responseStream
          ? this.#client.makeServerStreamRequest(method.path, encode, decode, request, metadata, callOptions)
          : this.#client.makeUnaryRequest(method.path, encode, decode, request, metadata, callOptions, onResponse);
      });

      let ended = false;
      call.on('metadata', (headers: Metadata) => options.onHeaders?.(headers));
      call.on('status', ({ metadata: trailers }: { metadata: Metadata }) => {
        ended = true;
        options.onTrailers?.(trailers);
      });
      if ('read' in call) receive(call as ClientReadableStream<Response>, subscriber, fail);
      const sending =
        'write' in call
          ? send(call as ClientWritableStream<Buffer>, input as Observable<Request>, encode, this.#maxUnsentBytes, fail)
          : undefined;

      const cancel = (): void => {
        if (!ended) call.cancel();
      };
      parent?.signal.addEventListener('abort', cancel);
      return () => {
        parent?.signal.removeEventListener('abort', cancel);
        sending?.unsubscribe();
        cancel();
      };
    });
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
      this.#client.waitForReady(deadline, (error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  /** Closes the connection once the calls under way have ended. */
  close(): void {
    this.#unwatch?.();
    this.#uploading?.close();
    this.#client.close();
  }
}

/** A method of the table as a caller needs it, with the codec that the caller prefers. */
export function callableMethod<Request, Response>(
  { path, requestStream, responseStream }: Method,
  encode: (request: Request) => Buffer,
  decode: (bytes: Buffer) => Response,
): CallableMethod<Request, Response> {
  return { path, requestStream, responseStream, encode, decode };
}

/** The size of metadata on its way, keys and values together. */
function sizeOf(metadata: Metadata): number {
  let bytes = 0;
  // What Metadata offers in public copies all of it, for every call.
  const { internalRepr } = metadata as unknown as { readonly internalRepr: ReadonlyMap<string, (string | Buffer)[]> };
  for (const [key, values] of internalRepr)
    for (const value of values)
      bytes += key.length + (typeof value === 'string' ? value.length : Math.ceil(value.length / 3) * 4);
  return bytes;
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
