import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Metadata, status as Status } from '@grpc/grpc-js';
import type { Method } from '@rollcall/contract';
import { type CallableMethod, callableMethod, type CallOptions, fromIterable, RpcError } from '@rollcall/grpc';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { catchError, isObservable, type Observable, type Subscription } from 'rxjs';
import { bodyShareOf } from '../http/body-budget.ts';
import { breakOff } from '../http/http2.ts';
import type { Channel, RequestMetadata } from '../options.ts';
import { presentableError } from '../problem/presentable-error.ts';
import { type BodyLimits, chunksOf, readBody, tooSlow } from '../request/body.ts';
import { callOptions } from '../request/call-options.ts';
import type { LiveStreams } from '../response/live-streams.ts';
import { answerIn, type RpcAnswer } from './answer.ts';
import { base64Decoded } from './base64-body.ts';
import { answerCompression, type Compression, compressionOf, decompress } from './compression.ts';
import { readEnvelopes } from './envelope.ts';
import type { MessageCodec } from './message-codec.ts';
import { addMetadata } from './metadata.ts';
import type { CodecName, Spoken } from './protocol.ts';
import { failureOf } from './status.ts';
import { connectDeadline } from './timeout.ts';

export interface RpcExchangeOptions {
  readonly method: Method;
  readonly codec: MessageCodec;
  readonly channel: Channel;
  readonly live: LiveStreams;
  readonly limits: BodyLimits;
  readonly requestMetadata: RequestMetadata;
  /** Whose reasons those are that errors of this side have. */
  readonly errorDomain: string;
}

/** Carries out the calls of one method that come by Connect, gRPC-Web or gRPC. */
export class RpcExchange {
  readonly #options: RpcExchangeOptions;
  readonly #callables: Readonly<Record<CodecName, CallableMethod<Buffer, Buffer>>>;

  constructor(options: RpcExchangeOptions) {
    this.#options = options;
    const { method, codec } = options;
    const callable = (name: CodecName): CallableMethod<Buffer, Buffer> =>
      callableMethod(
        method,
        (bytes: Buffer) => bytes,
        (bytes) => codec.response(name, bytes),
      );
    this.#callables = { proto: callable('proto'), json: callable('json') };
  }

  /**
   * Answers a request. All that goes wrong is answered in its protocol.
   *
   * @param admitted settles when the body may be read; rejects when the caller may not make the call
   * @param query the parameters of a call that comes by GET
   */
  async answer(
    request: FastifyRequest,
    reply: FastifyReply,
    spoken: Spoken,
    admitted: Promise<void> | undefined,
    query: URLSearchParams | undefined,
  ): Promise<void> {
    const { raw } = request;
    reply.hijack();
    const accepted = raw.headers[acceptedHeaders[spoken.protocol] ?? ''];
    const head = reply.getHeaders() as OutgoingHttpHeaders;
    const answer = answerIn(spoken, reply.raw, answerCompression(accepted), head);
    try {
      const [options] = await Promise.all([this.#callOptions(request, spoken), admitted]);
      const input = query === undefined ? await this.#input(raw, spoken) : await this.#inputOf(query, spoken.codec);
      await this.#carryOut(input, options, spoken.codec, answer, reply.raw);
    } catch (error) {
      this.#fail(answer, error, undefined);
    }
  }

  #fail(answer: RpcAnswer, error: unknown, trailers: Metadata | undefined): void {
    answer.fail(failureOf(presentableError(error), trailers, this.#options.errorDomain));
  }

  async #callOptions(request: FastifyRequest, { protocol }: Spoken): Promise<CallOptions> {
    const own = callOptions(request, await this.#options.requestMetadata(request));
    const { metadata = new Metadata() } = own;
    addMetadata(metadata, request.raw);
    const deadline = protocol.startsWith('connect')
      ? connectDeadline(request.raw.headers['connect-timeout-ms'])
      : own.deadline;
    return { metadata, ...(deadline !== undefined && { deadline }) };
  }

  async #input(raw: IncomingMessage, spoken: Spoken): Promise<Buffer | Observable<Buffer>> {
    const { method, limits, codec } = this.#options;
    if (spoken.protocol === 'connect-unary') {
      compressionOf(raw.headers['content-encoding']);
      return codec.request(spoken.codec, bufferOf(await readBody(raw, limits)));
    }
    const messages = this.#messages(raw, spoken);
    return method.requestStream ? fromIterable(() => messages) : onlyMessage(messages, limits.bodyTimeoutMs);
  }

  async *#messages(raw: IncomingMessage, { protocol, codec }: Spoken): AsyncGenerator<Buffer, undefined> {
    const compression = compressionOf(
      raw.headers[protocol === 'connect-stream' ? 'connect-content-encoding' : 'grpc-encoding'],
    );
    const share = bodyShareOf(raw);
    const maxBytes = Math.min(this.#options.limits.maxBodyBytes, share?.maxBytes ?? Infinity);
    const chunks = chunksOf(raw);
    const bytes = protocol === 'grpc-web-text' ? base64Decoded(chunks) : chunks;
    for await (const message of readEnvelopes(bytes, { compression, maxBytes, share }))
      yield this.#options.codec.request(codec, message);
  }

  async #inputOf(query: URLSearchParams, codec: CodecName): Promise<Buffer> {
    const compression: Compression = compressionOf(query.get('compression') ?? undefined);
    const bytes = Buffer.from(query.get('message') ?? '', query.get('base64') === '1' ? 'base64url' : 'utf8');
    const whole = compression === 'identity' ? bytes : await decompress(bytes, this.#options.limits.maxBodyBytes);
    return this.#options.codec.request(codec, whole);
  }

  #carryOut(
    input: Buffer | Observable<Buffer>,
    options: CallOptions,
    codec: CodecName,
    answer: RpcAnswer,
    response: ServerResponse,
  ): Promise<void> {
    const { channel, live } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    let trailers: Metadata | undefined;
    let ended = false;
    let failedRequests: unknown;
    // A stream of requests that goes wrong must not look whole to the service.
    const requests = isObservable(input)
      ? input.pipe(
          catchError((error: unknown) => {
            failedRequests = error;
            throw new RpcError(Status.CANCELLED, 'CANCELLED', 'The requests broke off.', { cause: error });
          }),
        )
      : input;
    const finish = (error?: unknown): void => {
      if (ended) return;
      ended = true;
      // grpc-js tells the trailers of a unary call right behind its answer.
      queueMicrotask(() => {
        if (error === undefined) answer.end(trailers);
        else this.#fail(answer, error, trailers);
      });
    };
    let subscription: Subscription | undefined;
    const leave = live.enter({
      bye: () => undefined,
      fail: (error) => {
        subscription?.unsubscribe();
        finish(error);
      },
      cut: () => breakOff(response),
    });
    response.on('close', () => {
      ended = true;
      subscription?.unsubscribe();
      leave();
      resolve();
    });
    subscription = channel
      .call(this.#callables[codec], requests, {
        ...options,
        onHeaders: (headers) => answer.headers(headers),
        onTrailers: (metadata) => (trailers = metadata),
      })
      .subscribe({
        next: (bytes) => answer.message(bytes),
        error: (error: unknown) => finish(failedRequests ?? error),
        complete: () => finish(),
      });
    if (response.destroyed) response.emit('close');
    return promise;
  }
}

const acceptedHeaders: Readonly<Record<string, string>> = {
  'connect-unary': 'accept-encoding',
  'connect-stream': 'connect-accept-encoding',
  grpc: 'grpc-accept-encoding',
  'grpc-web': 'grpc-accept-encoding',
  'grpc-web-text': 'grpc-accept-encoding',
};

function bufferOf(bytes: Uint8Array = new Uint8Array()): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The one message of a call that takes no stream. */
async function onlyMessage(messages: AsyncGenerator<Buffer, undefined>, timeoutMs: number): Promise<Buffer> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(tooSlow(timeoutMs)), timeoutMs);
  try {
    const first = await Promise.race([messages.next(), late.promise]);
    if (first.done === true) throw oneMessage('none');
    const second = await Promise.race([messages.next(), late.promise]);
    if (second.done !== true) throw oneMessage('more');
    return first.value;
  } finally {
    clearTimeout(timer);
  }
}

function oneMessage(came: string): RpcError {
  return new RpcError(Status.UNIMPLEMENTED, 'MALFORMED_REQUEST', `The method takes one message, and ${came} came.`);
}
