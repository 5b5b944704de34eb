import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { answerUnknownMethod } from '../protocols/unknown-method.ts';
import { noteRoute, type RpcRoute, type RpcRoutes } from '../routing/rpc-routes.ts';
import { leaveBodiesUnread } from './unread-bodies.ts';

/** The derived routes of one app, which may come from several TranscoderModules. */
class AppRoutes {
  readonly #all: RpcRoutes[] = [];
  /** What paths of derived routes begin with. */
  readonly prefixes = new Set<string>();
  readonly #taken = new Set<string>();

  /** @throws Error when another module of the app has one of the routes */
  add(routes: RpcRoutes): void {
    for (const route of routes.paths()) {
      if (this.#taken.has(route)) throw new Error(`${route} is derived by two TranscoderModules: give one a prefix`);
      this.#taken.add(route);
    }
    this.#all.push(routes);
    this.prefixes.add(routes.prefix);
  }

  /** The value of the constraint for a request; undefined when no RPC has its path. */
  constraintOf(request: IncomingMessage): string | undefined {
    let other: { readonly route: RpcRoute; readonly routes: RpcRoutes } | undefined;
    for (const routes of this.#all) {
      const route = routes.match(request);
      if (route === undefined) continue;
      if (route.kind === 'binding' || route.kind === 'rpc') return noteRoute(request, route, routes);
      const allow = other?.route.kind === 'verb' && route.kind === 'verb' ? other.route.allow : undefined;
      const merged = allow && route.kind === 'verb' ? { ...route, allow: union(allow, route.allow) } : undefined;
      other = { routes, route: merged ?? other?.route ?? route };
    }
    if (other === undefined) answerUnknownMethod(request);
    return other && noteRoute(request, other.route, other.routes);
  }
}

const apps = new WeakMap<FastifyInstance, AppRoutes>();

/** Has an app answer derived routes: before Nest registers them. @throws Error when it has one of them already */
export function attachRoutes(fastify: FastifyInstance, routes: RpcRoutes): void {
  let app = apps.get(fastify);
  if (app === undefined) {
    app = new AppRoutes();
    apps.set(fastify, app);
    fastify.addConstraintStrategy(rpcConstraint(app) as never);
    leaveBodiesUnread(fastify);
    const { prefixes } = app;
    fastify.addHook('onRoute', ({ url, constraints }) => {
      if (constraints === undefined || !('rpc' in constraints) || prefixes.has(url.replace(/\/\*$/, ''))) return;
      throw new Error(`derived routes would be at ${url}: setGlobalPrefix may exclude none of them`);
    });
  }
  app.add(routes);
  for (const { verb } of routes.bindings) {
    if (verb !== '*' && !fastify.supportedMethods.includes(verb)) fastify.addHttpMethod(verb, { hasBody: true });
  }
}

/** The constraint strategy for Fastify's router. @see https://fastify.dev/docs/latest/Reference/Routes/#constraints */
function rpcConstraint(app: AppRoutes) {
  return {
    name: 'rpc',
    storage: () => {
      const handlers = new Map<unknown, unknown>();
      return {
        get: (value: unknown) => handlers.get(value) ?? null,
        set: (value: unknown, handler: unknown) => void handlers.set(value, handler),
      };
    },
    deriveConstraint: (request: IncomingMessage) => app.constraintOf(request),
    validate: () => true,
  };
}

function union(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])].toSorted();
}
