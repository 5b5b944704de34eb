import { Inject } from '@nestjs/common';
import { PIPES_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { ApplicationConfig } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';

const configKey = Symbol('ApplicationConfig');

/**
 * Says what the handlers of a class take: the request, and the context of the call.
 *
 * Nest takes each parameter through the pipes with four promises, also when there is no pipe, which is some 7 % of a
 * unary call. A handler without declared parameters is called with the same two at once. So the parameters are there
 * when Nest asks for them, once all pipes are known, only if there is a pipe.
 */
export function takeRequestAndContext(target: { readonly prototype: object }, methods: readonly string[]): void {
  const { prototype } = target;
  const configs = new Set<ApplicationConfig>();
  Inject(ApplicationConfig)(prototype, configKey);
  Object.defineProperty(prototype, configKey, {
    set(config: ApplicationConfig) {
      configs.add(config);
    },
  });
  const hasPipes = (handler: object): boolean =>
    configs.size === 0 ||
    [...configs].some((config) => config.getGlobalPipes().length + config.getGlobalRequestPipes().length > 0) ||
    [target, handler].some((decorated) => Reflect.getMetadata(PIPES_METADATA, decorated) !== undefined);
  for (const name of methods) {
    const handler = Reflect.get(prototype, name) as object;
    const declared = Reflect.getMetadata(ROUTE_ARGS_METADATA, target, name) as object | undefined;
    Payload()(prototype, name, 0);
    Ctx()(prototype, name, 1);
    const parameters = { ...(Reflect.getMetadata(ROUTE_ARGS_METADATA, target, name) as object), ...declared };
    const whenPiped = new Proxy(parameters, { ownKeys: (keys) => (hasPipes(handler) ? Reflect.ownKeys(keys) : []) });
    Reflect.defineMetadata(ROUTE_ARGS_METADATA, declared === undefined ? whenPiped : parameters, target, name);
  }
}
