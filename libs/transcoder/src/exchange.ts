import type { IncomingMessage } from 'node:http';
import { type JsonValue, type Message, type Registry, toBinary } from '@bufbuild/protobuf';
import { type Metadata, status as Status } from '@grpc/grpc-js';
import { type CallableMethod, callableMethod, type CallOptions, fromIterable, RpcError } from '@rollcall/grpc';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Observable } from 'rxjs';
import type { Channel } from './options.ts';
import { type Binding, isJsonObject } from '@rollcall/contract';
import { callOptions } from './request/call-options.ts';
import {
  type Conditions,
  conditionsOf,
  etagsToWrite,
  isRead,
  preconditionFailed,
  refuseVersions,
  unmatchedEtag,
  weigh,
} from './conventions/conditions.ts';
import type { LiveStreams } from './response/live-streams.ts';
import { presentableError } from './problem/presentable-error.ts';
import { problemOf } from './problem/problem.ts';
import { PathRequests } from './request/path-request.ts';
import { contentCoding } from './request/content-encoding.ts';
import { bodyForm, type BodyLimits, readBody, readDocuments } from './request/body.ts';
import { type RequestParts, RequestReader, wholeBody } from './request/reader.ts';
import { parseQuery, splitTarget } from './request/query.ts';
import { ResponseJson } from './response/json.ts';
import type { ResponseText } from './response/text.ts';
import { type Conventions, textOf } from './conventions/aip.ts';
import { SharedItems } from './response/shared-items.ts';
import { accepts } from './response/negotiation.ts';
import { streamForm } from './response/stream-form.ts';
import { StreamResponse } from './response/stream.ts';
import { UnaryResponse } from './response/unary-response.ts';
import { onlyValue } from './response/only-value.ts';
import { passedHeaders } from './response/passed-metadata.ts';
import { converse } from './websocket/converse.ts';
import { handshakeOf } from './websocket/handshake.ts';
import type { RequestMetadata } from './options.ts';

export interface ExchangeOptions {
  readonly binding: Binding;
  readonly conventions: Conventions;
  readonly registry: Registry;
  readonly channel: Channel;
  readonly live: LiveStreams;
  readonly limits: BodyLimits;
  readonly requestMetadata: RequestMetadata;
  /** The names of metadata that become headers of the answer. */
  readonly responseHeaders: readonly string[];
  /** What paths begin with in the app; known once it has its routes. */
  readonly prefix: () => string;
}

/** Carries out the HTTP requests of one binding as gRPC calls. */
export class Exchange {
  readonly binding: Binding;
  readonly #conventions: Conventions;
  readonly #channel: Channel;
  readonly #live: LiveStreams;
  readonly #limits: BodyLimits;
  readonly #requestMetadata: RequestMetadata;
  readonly #responseHeaders: readonly string[];
  readonly #response: UnaryResponse;
  readonly #reader: RequestReader;
  readonly #pathRequests: PathRequests | undefined;
  readonly #json: ResponseJson;
  readonly #unary: CallableMethod<Message | Buffer, Message | ResponseText>;
  readonly #streaming: CallableMethod<Message | Buffer, readonly JsonValue[]>;

  constructor(options: ExchangeOptions) {
    const { binding, conventions, registry, channel, live, limits, requestMetadata } = options;
    this.binding = binding;
    this.#conventions = conventions;
    this.#channel = channel;
    this.#live = live;
    this.#limits = limits;
    this.#requestMetadata = requestMetadata;
    this.#responseHeaders = options.responseHeaders;
    this.#reader = new RequestReader(binding, conventions, registry);
    this.#pathRequests = PathRequests.of(binding);
    this.#json = new ResponseJson(binding, conventions, registry);
    this.#response = new UnaryResponse(this.#json, conventions, options.prefix);
    const encode = (request: Message | Buffer): Buffer =>
      Buffer.isBuffer(request) ? request : Buffer.from(toBinary(binding.method.input, request));
    this.#unary = callableMethod(binding.method, encode, (bytes) => this.#json.decodeAnswer(bytes));
    const shared = new SharedItems((bytes) => this.#json.items(this.#json.decode(bytes)));
    this.#streaming = callableMethod(binding.method, encode, (bytes) => shared.of(bytes));
  }

  /**
   * Answers one HTTP request.
   *
   * @param segments the segments of its path that matched the template
   * @param intercepted whether interceptors may look at what is returned, and change it
   * @returns what Nest is to send: JSON as text, or the value of it when it is intercepted; undefined for what has been sent
   * @throws RpcError when the call fails before anything was answered
   */
  async answer(
    request: FastifyRequest,
    reply: FastifyReply,
    segments: readonly string[],
    intercepted: boolean,
  ): Promise<unknown> {
    const { method } = this.binding;
    const [, query] = splitTarget(request.raw.url ?? '');
    const parts: RequestParts = { segments, query: parseQuery(query), headers: request.headers };
    const conditions = conditionsOf(request.headers);
    const etags = conditions && this.#etagsToWrite(request, conditions);
    const caller = this.#requestMetadata(request);
    const options = {
      ...callOptions(request, caller instanceof Promise ? await caller : caller),
      ...this.#passOn((headers) => void reply.headers(headers)),
    };
    // A handshake at the path of a unary call is answered as if it were none.
    const handshake = method.kind === 'unary' ? undefined : handshakeOf(request.raw);
    if (handshake !== undefined) {
      const [reader, limits, live] = [this.#reader, this.#limits, this.#live];
      const call = (input: Message | Observable<Message>): Observable<readonly JsonValue[]> =>
        this.#channel.call(this.#streaming, input, options);
      return converse(handshake, request, reply, parts, { binding: this.binding, reader, limits, live, call });
    }
    const accept = request.headers.accept;
    const form = method.responseStream ? streamForm(accept, request.headers['last-event-id']) : undefined;
    if (form === undefined && !accepts(accept, 'application/json')) {
      throw new RpcError(Status.INVALID_ARGUMENT, 'NOT_ACCEPTABLE', 'The answer comes as application/json.');
    }
    if (etags !== undefined) {
      const response = await this.#writeIfMatch(request, reply, parts, options, etags);
      return this.#response.send(request, reply, response, undefined, intercepted);
    }
    const input = method.requestStream
      ? this.#requests(request.raw, parts)
      : (this.#pathRequests?.write(parts) ?? (await this.#request(request.raw, parts)));
    if (form === undefined) {
      const responses = this.#channel.call(this.#unary, input, options);
      const response = await onlyValue(responses, request.raw, reply);
      return this.#response.send(request, reply, response, conditions, intercepted);
    }
    if (conditions !== undefined && weigh(conditions, undefined) === 'not modified') {
      reply.status(304);
      return undefined;
    }

    const headers = reply.getHeaders();
    const stream = new StreamResponse(reply.raw, {
      form,
      headers,
      eventId: (item) => this.#eventId(item),
      problemOf: (error) => problemOf(presentableError(error), request.id),
      headersOnly: request.method === 'HEAD',
      emptyIsOver: form.contentType === 'text/event-stream' && request.headers['last-event-id'] !== undefined,
    });
    const items = this.#channel.call(this.#streaming, input, {
      ...options,
      ...this.#passOn((passed) => Object.assign(headers, passed)),
    });
    const leave = this.#live.enter(stream);
    try {
      await stream.write(items);
      reply.hijack();
    } finally {
      leave();
    }
    return undefined;
  }

  /** Takes what the handler says beside its answer, by the names that are passed on. */
  #passOn(set: (headers: Record<string, string[]>) => unknown): Pick<CallOptions, 'onHeaders' | 'onTrailers'> {
    const names = this.#responseHeaders;
    if (names.length === 0) return {};
    const pass = (metadata: Metadata): unknown => set(passedHeaders(names, metadata));
    return { onHeaders: pass, onTrailers: pass };
  }

  async #request(raw: IncomingMessage, parts: RequestParts): Promise<Message> {
    return this.#reader.read(parts, await this.#body(raw), wholeBody);
  }

  async #body(raw: IncomingMessage): Promise<Uint8Array | undefined> {
    if (this.binding.body === 'nothing') return undefined;
    bodyForm(raw.headers['content-type'], false);
    return readBody(raw, this.#limits);
  }

  /**
   * The etags of which the resource has to have one, where the request writes on that condition.
   *
   * @throws RpcError when a condition cannot be met by any version
   */
  #etagsToWrite({ method }: FastifyRequest, conditions: Conditions): readonly string[] | undefined {
    if (this.#conventions.ifMatch !== undefined) return etagsToWrite(conditions);
    if (this.binding.method.kind !== 'unary' || !isRead(method)) refuseVersions(conditions);
    return undefined;
  }

  /**
   * Makes a write on the condition that the resource has one of some etags. A call takes one: so there is a call for each
   * of them, until one is the current one.
   */
  async #writeIfMatch(
    request: FastifyRequest,
    reply: FastifyReply,
    parts: RequestParts,
    options: CallOptions,
    etags: readonly string[],
  ): Promise<Message | ResponseText | undefined> {
    const body = await this.#body(request.raw);
    for (const [index, etag] of etags.entries()) {
      const input = this.#readIfMatch(parts, body, etag);
      try {
        return await onlyValue(this.#channel.call(this.#unary, input, options), request.raw, reply);
      } catch (error) {
        const another = error instanceof RpcError && error.reason === 'ETAG_MISMATCH' && index + 1 < etags.length;
        if (!another) throw error;
      }
    }
    throw preconditionFailed();
  }

  #readIfMatch(parts: RequestParts, body: Uint8Array | undefined, etag: string): Message {
    try {
      return this.#reader.read({ ...parts, etag }, body, wholeBody);
    } catch (error) {
      // What the rules do not take for an etag is none that a resource has; the caller has sent no such field.
      const { violations = [] } = error instanceof RpcError ? error.details : {};
      if (violations.length === 0 || !violations.every(({ field }) => field === 'If-Match')) throw error;
      return this.#reader.read({ ...parts, etag: unmatchedEtag() }, body, wholeBody);
    }
  }

  #requests(raw: IncomingMessage, parts: RequestParts): Observable<Message> {
    const form = bodyForm(raw.headers['content-type'], true);
    const coding = contentCoding(raw); // before the call is opened
    const reader = this.#reader;
    const { maxBodyBytes } = this.#limits;
    return fromIterable(() => reader.readStream(parts, readDocuments(raw, form, coding, maxBodyBytes)));
  }

  #eventId(item: JsonValue): string | undefined {
    const { eventIdField } = this.binding;
    if (eventIdField === undefined || !isJsonObject(item)) return undefined;
    const id = textOf(item[eventIdField.jsonName]);
    return id === '' || /[\0\r\n]/.test(id) ? undefined : id;
  }
}
