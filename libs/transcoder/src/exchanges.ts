import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { createRegistry, type Registry } from '@bufbuild/protobuf';
import { type GrpcChannel } from '@rollcall/grpc';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Binding } from './binding.ts';
import { Exchange } from './exchange.ts';
import { defaultHttpLimits } from './http-limits.ts';
import { LiveStreams } from './live-streams.ts';
import { mannersOf } from './rest-manners.ts';
import { rpcConstraint, RpcRoutes } from './rpc-routes.ts';
import { type CallerMetadata, type TranscoderOptions, transcoderOptions } from './transcoder-options.ts';

/** All that the transcoder answers, by binding. */
@Injectable()
export class Exchanges implements BeforeApplicationShutdown {
  readonly routes: RpcRoutes;
  readonly #exchanges: ReadonlyMap<Binding, Exchange>;
  readonly #live = new LiveStreams();
  readonly #drainMs: number;

  constructor(
    @Inject(transcoderOptions) options: TranscoderOptions & { routes: RpcRoutes },
    @Inject(HttpAdapterHost) host: HttpAdapterHost,
  ) {
    this.routes = options.routes;
    this.#drainMs = options.drainMs ?? 10_000;
    const registry: Registry = createRegistry(...options.contracts.map((contract) => contract.registry));
    const { maxBodyBytes, bodyTimeoutMs } = { ...defaultHttpLimits, ...options };
    const limits = { maxBodyBytes, bodyTimeoutMs };
    const callerMetadata = options.callerMetadata ?? authorizationHeader;
    const { bindings } = this.routes;
    this.#exchanges = new Map(
      bindings.map((binding) => {
        const siblings = bindings.filter(({ method }) => method.service === binding.method.service);
        const channel: GrpcChannel = options.channelFor(binding.method.service);
        const manners = mannersOf(binding, siblings);
        return [binding, new Exchange(binding, manners, registry, channel, this.#live, limits, callerMetadata)];
      }),
    );
    // Before Nest registers its routes, which happens once all providers are made.
    const fastify = host.httpAdapter.getInstance<FastifyInstance>();
    fastify.addConstraintStrategy(rpcConstraint(this.routes) as never);
    for (const { verb } of bindings) {
      if (verb !== '*' && !fastify.supportedMethods.includes(verb)) fastify.addHttpMethod(verb, { hasBody: true });
    }
  }

  /** Answers a request that the routes have found a binding for. @throws RpcError before anything was answered */
  answer(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const route = this.routes.routeOf(request.raw);
    const exchange = route?.allow === undefined && route !== undefined ? this.#exchanges.get(route.binding) : undefined;
    if (route === undefined || route.allow !== undefined || exchange === undefined)
      throw new Error('the route has no binding');
    return exchange.answer(request, reply, route.segments);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#live.drain(this.#drainMs);
  }
}

const authorizationHeader: CallerMetadata = ({ headers: { authorization } }) => ({
  ...(authorization !== undefined && { authorization }),
});
