import {
  All,
  applyDecorators,
  Controller,
  type ExecutionContext,
  Inject,
  Req,
  Res,
  SetMetadata,
  type Type,
  UseFilters,
  VERSION_NEUTRAL,
} from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import { RouteConstraints } from '@nestjs/platform-fastify';
import type { Method } from '@rollcall/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Exchanges } from './exchanges.ts';
import { dropWhatIsReturned, isIntercepted } from './nest/interceptors.ts';
import type { TranscoderOptions } from './options.ts';
import { DerivedRouteFilter } from './nest/derived-route.filter.ts';
import { typeNotTaken, verbNotAllowed } from './problem/problem.ts';
import { type RpcRoutes } from './routing/rpc-routes.ts';

const rpcMetadata = 'transcoder:rpc';
/** What ApiExcludeController of @nestjs/swagger sets: the contract has a document of its own. */
const hiddenFromSwagger = 'swagger/apiExcludeController';

/** The method that a route of the transcoder is for, for guards and interceptors; undefined on other routes. */
export function getRpcMethod(context: ExecutionContext): Method | undefined {
  return Reflect.getMetadata(rpcMetadata, context.getHandler()) as Method | undefined;
}

type Answer = (this: Served, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

interface Served {
  readonly exchanges: Exchanges;
  readonly config: ApplicationConfig;
}

/** Makes a controller for each service, with a route for each method, so that Nest's guards, interceptors and filters work on them. */
export function controllersFor(routes: RpcRoutes, decorate: TranscoderOptions['route']): Type[] {
  const services = Map.groupBy(new Set(routes.bindings.map(({ method }) => method)), ({ service }) => service);
  return [...services]
    .map(([service, methods]) => serviceController(newController(service, routes), methods, decorate))
    .concat(notTakenController(newController('NotTaken', routes), routes.notTaken));
}

function serviceController(controller: Type, methods: readonly Method[], decorate: TranscoderOptions['route']): Type {
  for (const method of methods) {
    const more = decorate?.(method) ?? [];
    const answer: Answer = async function (request, reply) {
      const answered = await this.exchanges.answer(request, reply, isIntercepted(answer, this.config));
      if (reply.sent) dropWhatIsReturned(reply, method);
      return answered;
    };
    addRoute(controller, method.localName, answer, method.path, SetMetadata(rpcMetadata, method), ...more);
  }
  return controller;
}

function addRoute(
  controller: Type,
  name: string,
  answer: Answer,
  constraint: string,
  ...decorators: MethodDecorator[]
): void {
  const prototype = controller.prototype as object;
  const descriptor = { value: answer, writable: true, configurable: true, enumerable: false };
  Object.defineProperty(answer, 'name', { value: name, configurable: true });
  Object.defineProperty(prototype, name, descriptor);
  Req()(prototype, name, 0);
  Res({ passthrough: true })(prototype, name, 1); // Nest sends what is returned, and interceptors see it
  applyDecorators(All('*'), RouteConstraints({ rpc: constraint }), ...decorators)(prototype, name, descriptor);
}

/** Answers paths that some method has, but not with this verb, or not with this Content-Type. */
function notTakenController(controller: Type, constraint: string): Type {
  const answer: Answer = async function (request, reply) {
    const route = this.exchanges.routes.routeOf(request.raw);
    if (route?.kind === 'type') {
      reply.header('accept-post', route.accept);
      throw typeNotTaken(route.accept);
    }
    const allow = route?.kind === 'verb' ? route.allow : [];
    reply.header('allow', allow.join(', '));
    throw verbNotAllowed(request.method, allow);
  };
  addRoute(controller, 'answer', answer, constraint);
  return controller;
}

/** Versions of URLs are part of the contract's paths, so Nest's are none of a derived route's. */
function newController(name: string, { ownPrefix }: RpcRoutes): Type {
  const controller = { [name]: class {} }[name] as Type;
  Controller({ path: ownPrefix, version: VERSION_NEUTRAL })(controller);
  Reflect.defineMetadata(hiddenFromSwagger, [true], controller);
  UseFilters(DerivedRouteFilter)(controller);
  Inject(Exchanges)(controller.prototype as object, 'exchanges');
  Inject(ApplicationConfig)(controller.prototype as object, 'config');
  return controller;
}
