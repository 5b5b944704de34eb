import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { createRegistry, type Registry } from '@bufbuild/protobuf';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Binding, codecsOf, type Method } from '@rollcall/contract';
import { BodyBudget, type BodyOwner } from './http/body-budget.ts';
import { Exchange } from './exchange.ts';
import { defaultHttpLimits } from './http/limits.ts';
import { isHttp2 } from './http/http2.ts';
import { needsHttp2 } from './problem/refusals.ts';
import { MessageCodec } from './protocols/message-codec.ts';
import { RpcExchange } from './protocols/rpc-exchange.ts';
import { handshakeOf } from './websocket/handshake.ts';
import { Upstreams } from './nest/upstreams.ts';
import { LiveStreams } from './response/live-streams.ts';
import { withHeaders } from './request/passed-headers.ts';
import { passedNames } from './response/passed-metadata.ts';
import { conventionsOf } from './conventions/aip.ts';
import { type RpcRequest, RpcRoutes } from './routing/rpc-routes.ts';
import { type RequestMetadata, type TranscoderOptions, transcoderOptions } from './options.ts';

/** All that the transcoder answers, by binding. */
@Injectable()
export class Exchanges implements BeforeApplicationShutdown, OnApplicationShutdown {
  readonly routes: RpcRoutes;
  readonly #exchanges: ReadonlyMap<Binding, Exchange>;
  readonly #rpcExchanges: ReadonlyMap<Method, RpcExchange>;
  readonly #live = new LiveStreams();
  readonly #drainMs: number;
  readonly #admit: TranscoderOptions['admit'];
  readonly #bodyOwner: (request: FastifyRequest) => BodyOwner;
  readonly #bodies: BodyBudget;
  readonly #upstreams: Upstreams;

  constructor(@Inject(transcoderOptions) options: TranscoderOptions & { routes: RpcRoutes }) {
    this.routes = options.routes;
    this.#drainMs = options.drainMs ?? 10_000;
    const registry: Registry = createRegistry(...options.contracts.map((contract) => contract.registry));
    const { maxBodyBytes, bodyTimeoutMs, maxBodiesBytes, maxCallerBodiesBytes } = { ...defaultHttpLimits, ...options };
    this.#admit = options.admit;
    this.#bodyOwner = options.bodyOwner ?? ownerByPeer;
    this.#bodies = new BodyBudget({ maxBodiesBytes, maxCallerBodiesBytes });
    const limits = { maxBodyBytes, bodyTimeoutMs };
    const requestMetadata = withHeaders(
      passedNames('requestHeaders', options.requestHeaders),
      options.requestMetadata ?? authorizationHeader,
    );
    const responseHeaders = passedNames('responseHeaders', options.responseHeaders);
    const { bindings } = this.routes;
    this.#upstreams = new Upstreams(options.services, options.contracts, options);
    this.#exchanges = new Map(
      bindings.map((binding) => {
        const siblings = bindings.filter(({ method }) => method.service === binding.method.service);
        const exchange = new Exchange({
          binding,
          conventions: conventionsOf(binding, siblings),
          registry,
          channel: this.#upstreams.channelFor(binding.method.service),
          live: this.#live,
          limits,
          requestMetadata,
          responseHeaders,
          prefix: () => this.routes.prefix,
        });
        return [binding, exchange];
      }),
    );
    const codecs = options.contracts.map((contract) => codecsOf(contract));
    this.#rpcExchanges = new Map(
      bindings.map(({ method }) => {
        const codec = codecs.map((each) => each.get(method.path)).find((each) => each !== undefined);
        if (codec === undefined) throw new Error(`no codec for ${method.path}`);
        const exchange = new RpcExchange({
          method,
          codec: new MessageCodec(method, codec, registry),
          channel: this.#upstreams.channelFor(method.service),
          live: this.#live,
          limits,
          requestMetadata,
          errorDomain: options.errorDomain ?? '',
        });
        return [method, exchange];
      }),
    );
  }

  /**
   * Answers a request that the routes have found a call for.
   *
   * @param intercepted whether interceptors may look at what is returned
   * @returns what Nest is to send; undefined for what has been sent
   * @throws RpcError before anything was answered
   */
  answer(request: FastifyRequest, reply: FastifyReply, intercepted: boolean): Promise<unknown> {
    const route = this.routes.routeOf(request.raw);
    if (route?.kind === 'rpc') return this.#answerRpc(route, request, reply);
    const exchange = route?.kind === 'binding' ? this.#exchanges.get(route.binding) : undefined;
    if (route?.kind !== 'binding' || exchange === undefined) throw new Error('the route has no binding');
    const { binding } = exchange;
    return handshakeOf(request.raw) !== undefined || (readsBody(binding) && hasBody(request))
      ? this.#answerBody(exchange, request, reply, route.segments, intercepted)
      : exchange.answer(request, reply, route.segments, intercepted);
  }

  #answerRpc({ method, spoken, query }: RpcRequest, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const exchange = this.#rpcExchanges.get(method);
    if (exchange === undefined) throw new Error('the route has no method');
    if (spoken.protocol === 'grpc' && !isHttp2(request.raw)) throw needsHttp2();
    if (query !== undefined) return exchange.answer(request, reply, spoken, undefined, query);
    const since = performance.now();
    const admitted = this.#admit?.(request, method);
    const leave = this.#bodies.enter(request.raw, this.#bodyOwner(request), since);
    reply.raw.once('close', leave);
    return exchange.answer(request, reply, spoken, admitted, undefined);
  }

  async #answerBody(
    exchange: Exchange,
    request: FastifyRequest,
    reply: FastifyReply,
    segments: readonly string[],
    intercepted: boolean,
  ): Promise<unknown> {
    const since = performance.now();
    await this.#admit?.(request, exchange.binding.method);
    const leave = this.#bodies.enter(request.raw, this.#bodyOwner(request), since);
    reply.raw.once('close', leave);
    return exchange.answer(request, reply, segments, intercepted);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#live.drain(this.#drainMs);
  }

  onApplicationShutdown(): void {
    this.#upstreams.close();
  }
}

function readsBody({ body, method }: Binding): boolean {
  return body !== 'nothing' || method.requestStream;
}

/** @see https://www.rfc-editor.org/rfc/rfc9112#section-6.3 */
function hasBody({ headers, raw }: FastifyRequest): boolean {
  if (isHttp2(raw)) return !raw.stream.endAfterHeaders;
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

const ownerByPeer = ({ raw }: FastifyRequest): BodyOwner => ({ key: raw.socket.remoteAddress ?? '', known: true });

const authorizationHeader: RequestMetadata = ({ headers: { authorization } }) => ({
  ...(authorization !== undefined && { authorization }),
});
