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
import { RouteConstraints } from '@nestjs/platform-fastify';
import type { Method } from '@rollcall/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Exchanges } from './exchanges.ts';
import { DerivedRouteFilter } from './nest/derived-route.filter.ts';
import { typeNotTaken, verbNotAllowed } from './problem/problem.ts';
import { type RpcRoutes } from './routing/rpc-routes.ts';

const rpcMetadata = 'transcoder:rpc';

/** The method that a route of the transcoder is for, for guards and interceptors; undefined on other routes. */
export function getRpcMethod(context: ExecutionContext): Method | undefined {
  return Reflect.getMetadata(rpcMetadata, context.getHandler()) as Method | undefined;
}

type Answer = (this: { exchanges: Exchanges }, request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/** Makes a controller for each service, with a route for each method, so that Nest's guards, interceptors and filters work on them. */
export function controllersFor(routes: RpcRoutes): Type[] {
  const services = Map.groupBy(new Set(routes.bindings.map(({ method }) => method)), ({ service }) => service);
  return [...services]
    .map(([service, methods]) => serviceController(service, methods))
    .concat(notTakenController(routes.notTaken));
}

function serviceController(service: string, methods: readonly Method[]): Type {
  const controller = newController(service);
  for (const method of methods) {
    const answer: Answer = function (request, reply) {
      return this.exchanges.answer(request, reply);
    };
    addRoute(controller, method.localName, answer, method.path, SetMetadata(rpcMetadata, method));
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
  Object.defineProperty(prototype, name, descriptor);
  Req()(prototype, name, 0);
  Res()(prototype, name, 1);
  applyDecorators(All('*'), RouteConstraints({ rpc: constraint }), ...decorators)(prototype, name, descriptor);
}

/** Answers paths that some method has, but not with this verb, or not with this Content-Type. */
function notTakenController(constraint: string): Type {
  const controller = newController('NotTaken');
  const answer: Answer = function (request, reply) {
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
function newController(name: string): Type {
  const controller = { [name]: class {} }[name] as Type;
  Controller({ version: VERSION_NEUTRAL })(controller);
  UseFilters(DerivedRouteFilter)(controller);
  Inject(Exchanges)(controller.prototype as object, 'exchanges');
  return controller;
}
