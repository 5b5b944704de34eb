import type { IncomingMessage } from 'node:http';
import { type JsonValue, type Message, type Registry, toBinary } from '@bufbuild/protobuf';
import { Metadata, status as Status } from '@grpc/grpc-js';
import {
  type CallableMethod,
  callableMethod,
  type CallOptions,
  type GrpcChannel,
  invalidFields,
  pulled,
  RpcError,
} from '@rollcall/grpc';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Observable } from 'rxjs';
import type { Binding } from './binding.ts';
import { isJsonObject } from './field-path.ts';
import type { LiveStreams } from './live-streams.ts';
import { presentableError } from './presentable-error.ts';
import { problemOf } from './problem.ts';
import { PathRequests } from './path-request.ts';
import { bodyForm, type BodyLimits, readBody, readDocuments } from './request-body.ts';
import { type RequestParts, RequestReader, wholeBody } from './request-reader.ts';
import { parseQuery, splitTarget } from './query.ts';
import { ResponseJson } from './response-json.ts';
import type { ResponseText } from './response-text.ts';
import { etagsOf, locationPath, type Manners, nextPageLink, textOf } from './rest-manners.ts';
import { SharedItems } from './shared-items.ts';
import { accepts, streamForm } from './stream-form.ts';
import { StreamResponse } from './stream-response.ts';
import type { CallerMetadata } from './transcoder-options.ts';

/** The HTTP headers that go along with the call, beside what tells of the caller. */
const passedHeaders = ['traceparent', 'tracestate'];

/** Carries out the HTTP requests of one binding as gRPC calls. */
export class Exchange {
  readonly binding: Binding;
  readonly #manners: Manners;
  readonly #channel: GrpcChannel;
  readonly #live: LiveStreams;
  readonly #limits: BodyLimits;
  readonly #callerMetadata: CallerMetadata;
  readonly #reader: RequestReader;
  readonly #pathRequests: PathRequests | undefined;
  readonly #json: ResponseJson;
  readonly #unary: CallableMethod<Message | Buffer, Message | ResponseText>;
  readonly #streaming: CallableMethod<Message | Buffer, readonly JsonValue[]>;

  constructor(
    binding: Binding,
    manners: Manners,
    registry: Registry,
    channel: GrpcChannel,
    live: LiveStreams,
    limits: BodyLimits,
    callerMetadata: CallerMetadata,
  ) {
    this.binding = binding;
    this.#manners = manners;
    this.#channel = channel;
    this.#live = live;
    this.#limits = limits;
    this.#callerMetadata = callerMetadata;
    this.#reader = new RequestReader(binding, manners, registry);
    this.#pathRequests = PathRequests.of(binding);
    this.#json = new ResponseJson(binding, manners, registry);
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
   * @throws RpcError when the call fails before anything was answered
   */
  async answer(request: FastifyRequest, reply: FastifyReply, segments: readonly string[]): Promise<void> {
    const { method } = this.binding;
    const [, query] = splitTarget(request.raw.url ?? '');
    const parts: RequestParts = { segments, query: parseQuery(query), headers: request.headers };
    const options = callOptions(request, this.#callerMetadata(request));
    const accept = request.headers.accept;
    const form = method.responseStream ? streamForm(accept) : undefined;
    if (form === undefined && !accepts(accept, 'application/json')) {
      throw new RpcError(Status.INVALID_ARGUMENT, 'NOT_ACCEPTABLE', 'The answer comes as application/json.');
    }
    const input = method.requestStream
      ? this.#requests(request.raw, parts)
      : (this.#pathRequests?.write(parts) ?? (await this.#request(request.raw, parts)));
    if (form === undefined) {
      const responses = this.#channel.call(this.#unary, input, options);
      return this.#respondOnce(request, reply, await onlyValue(responses, request.raw, reply));
    }

    const stream = new StreamResponse(reply.raw, {
      form,
      headers: reply.getHeaders(),
      eventId: (item) => this.#eventId(item),
      problemOf: (error) => problemOf(presentableError(error), request.id),
    });
    const items = this.#channel.call(this.#streaming, input, options);
    const leave = this.#live.enter(stream);
    try {
      await stream.write(items);
      reply.hijack();
    } finally {
      leave();
    }
  }

  async #request(raw: IncomingMessage, parts: RequestParts): Promise<Message> {
    if (this.binding.body === 'nothing') return this.#reader.read(parts, undefined, wholeBody);
    bodyForm(raw.headers['content-type'], false);
    return this.#reader.read(parts, await readBody(raw, this.#limits), wholeBody);
  }

  #requests(raw: IncomingMessage, parts: RequestParts): Observable<Message> {
    const form = bodyForm(raw.headers['content-type'], true);
    const reader = this.#reader;
    const { maxBodyBytes } = this.#limits;
    return pulled(async function* () {
      let first = true;
      for await (const { bytes, what } of readDocuments(raw, form, maxBodyBytes)) {
        yield first ? reader.read(parts, bytes, what) : reader.readNext(bytes, what);
        first = false;
      }
    });
  }

  #respondOnce(request: FastifyRequest, reply: FastifyReply, response: Message | ResponseText | undefined): void {
    if (response === undefined) {
      reply.hijack(); // nobody is left to answer
      return;
    }
    const { text, head } = this.#json.answer(response);
    const { etag, location, nextPage } = this.#manners;
    let status = 200;
    if (etag && typeof head['etag'] === 'string' && head['etag'] !== '') {
      reply.header('etag', `"${head['etag']}"`);
      const condition = request.headers['if-none-match'];
      const known = condition === undefined ? [] : etagsOf(condition);
      if (
        (request.method === 'GET' || request.method === 'HEAD') &&
        (known.includes(head['etag']) || known.includes('*'))
      ) {
        reply.status(304).send();
        return;
      }
    }
    if (location !== undefined) {
      status = 201;
      const path = locationPath(location, head);
      if (path !== undefined) reply.header('location', path);
    }
    if (nextPage) {
      const link = nextPageLink(request.raw.url ?? '', head);
      if (link !== undefined) reply.header('link', link);
    }
    reply.status(status).header('content-type', 'application/json; charset=utf-8').send(text);
  }

  #eventId(item: JsonValue): string | undefined {
    const { eventIdField } = this.binding;
    if (eventIdField === undefined || !isJsonObject(item)) return undefined;
    const id = textOf(item[eventIdField.jsonName]);
    return id === '' || /[\0\r\n]/.test(id) ? undefined : id;
  }
}

/** The one response of a call; undefined when the caller has gone away, which cancels the call. */
function onlyValue<T>(responses: Observable<T>, request: IncomingMessage, reply: FastifyReply): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    let value: T | undefined;
    const onClose = (): void => {
      subscription.unsubscribe();
      resolve(undefined);
    };
    const settle = (): void => void reply.raw.off('close', onClose);
    reply.raw.on('close', onClose);
    const subscription = responses.subscribe({
      next: (response) => (value = response),
      error: (error: unknown) => {
        settle();
        reject(error);
      },
      complete: () => {
        settle();
        resolve(value);
      },
    });
    if (request.destroyed && reply.raw.destroyed) onClose();
  });
}

/**
 * The options of the call that a request makes.
 *
 * @param caller what tells of the caller
 * @throws RpcError INVALID_ARGUMENT when the timeout cannot be read
 */
export function callOptions(request: FastifyRequest, caller: Readonly<Record<string, string>>): CallOptions {
  const { headers } = request.raw;
  const metadata = new Metadata();
  metadata.set('x-request-id', request.id);
  // HTTP takes bytes that metadata does not. A credential that has some is still one, for the service to refuse.
  for (const name in caller) metadata.set(name, (caller[name] ?? '').replace(/[^ -~]/g, '?'));
  for (const name of passedHeaders) {
    const value = headers[name];
    if (typeof value === 'string' && /^[ -~]+$/.test(value)) metadata.set(name, value);
  }
  const timeout = headers['grpc-timeout'];
  return typeof timeout === 'string' ? { metadata, deadline: Date.now() + timeoutMs(timeout) } : { metadata };
}

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** The milliseconds of a Grpc-Timeout header. @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
function timeoutMs(header: string): number {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(header) ?? [];
  const ms = unitMs[unit ?? ''];
  if (digits === undefined || ms === undefined) {
    throw invalidFields([
      {
        field: 'Grpc-Timeout',
        description: 'must be 1 to 8 digits and one of H, M, S, m, u, n, such as 500m',
        reason: 'format',
      },
    ]);
  }
  return Number(digits) * ms;
}
