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
} from '@nestjs/common';
import { RouteConstraints } from '@nestjs/platform-fastify';
import type { Method } from '@rollcall/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Exchanges } from './exchanges.ts';
import { typeNotTaken, verbNotAllowed } from './problem/problem.ts';
import { type RpcRoutes, notTaken } from './routing/rpc-routes.ts';

const rpcMetadata = 'transcoder:rpc';

/** The method that a route of the transcoder is for, for guards and interceptors; undefined on other routes. */
export function getRpcMethod(context: ExecutionContext): Method | undefined {
  return Reflect.getMetadata(rpcMetadata, context.getHandler()) as Method | undefined;
}

type Answer = (this: { exchanges: Exchanges }, request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/** Makes a controller for each service, with a route for each method, so that Nest's guards, interceptors and filters work on them. */
export function controllersFor(routes: RpcRoutes): Type[] {
  const services = Map.groupBy(new Set(routes.bindings.map(({ method }) => method)), ({ service }) => service);
  return [...services].map(([service, methods]) => serviceController(service, methods)).concat(NotTakenController);
}

function serviceController(service: string, methods: readonly Method[]): Type {
  const controller = { [service]: class {} }[service] as Type;
  Controller()(controller);
  Inject(Exchanges)(controller.prototype as object, 'exchanges');
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
@Controller()
class NotTakenController {
  @All('*')
  @RouteConstraints({ rpc: notTaken })
  answer(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const route = this.exchanges.routes.routeOf(request.raw);
    if (route?.kind === 'type') {
      reply.header('accept-post', route.accept);
      throw typeNotTaken(route.accept);
    }
    const allow = route?.kind === 'verb' ? route.allow : [];
    reply.header('allow', allow.join(', '));
    throw verbNotAllowed(request.method, allow);
  }

  @Inject(Exchanges) readonly exchanges!: Exchanges;
}
