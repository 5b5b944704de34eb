import type { IncomingMessage } from 'node:http';
import { type Contract, type Method, bindingsOf, type Binding } from '@rollcall/contract';
import { splitTarget } from '../request/query.ts';
import { RouteTable } from './route-table.ts';

/** What a request leads to: a binding and the path's segments, or the verbs that its path takes. */
export type RpcRoute =
  | { readonly binding: Binding; readonly segments: readonly string[]; readonly allow?: undefined }
  | { readonly allow: readonly string[] };

/** A request that a route was looked for. A WeakMap would cost each of them more than the search. */
interface RoutedRequest extends IncomingMessage {
  [foundRoute]?: RpcRoute;
}
const foundRoute: unique symbol = Symbol('foundRoute');

/** The key of the route for paths that are known and verbs that are not. */
export const unknownVerb = 'verb-not-allowed';

interface Route {
  readonly verb: string;
  readonly template: Binding['template'];
  readonly binding: Binding;
}

/**
 * Finds the method that an HTTP request is for. Fastify's own router does not know the templates of google.api.http, so
 * each RPC is a Nest route at `*` under a constraint whose value is the RPC's path, and this finds that value.
 */
export class RpcRoutes {
  readonly bindings: readonly Binding[];
  readonly #table = new RouteTable<Route>();

  /** @throws Error when a service is missing, a rule cannot be read, or two rules have the same verb and path */
  constructor(contracts: readonly Contract[], services: readonly string[]) {
    const methods: Method[] = [];
    for (const service of services) {
      const known = contracts
        .flatMap((contract) => [...contract.methods.values()])
        .filter((method) => method.service === service);
      if (known.length === 0) throw new Error(`no contract has the service ${service}`);
      methods.push(...known);
    }
    this.bindings = methods.flatMap(bindingsOf);
    for (const binding of this.bindings) this.#table.add({ verb: binding.verb, template: binding.template, binding });
  }

  /** The value of the constraint for a request; undefined when no RPC has its path. */
  constraintOf(request: IncomingMessage): string | undefined {
    const [path] = splitTarget(request.url ?? '');
    const verb = request.method ?? 'GET';
    const match = this.#table.find(verb, path);
    if (match === undefined) return undefined;
    if ('route' in match) {
      (request as RoutedRequest)[foundRoute] = { binding: match.route.binding, segments: match.segments };
      return match.route.binding.method.path;
    }
    if (verb === 'HEAD' && match.allow.includes('GET')) {
      const get = this.#table.find('GET', path);
      if (get !== undefined && 'route' in get) {
        (request as RoutedRequest)[foundRoute] = { binding: get.route.binding, segments: get.segments };
        return get.route.binding.method.path;
      }
    }
    (request as RoutedRequest)[foundRoute] = { allow: match.allow };
    return unknownVerb;
  }

  /** What was found for a request. */
  routeOf(request: IncomingMessage): RpcRoute | undefined {
    return (request as RoutedRequest)[foundRoute];
  }
}

/** The constraint strategy for Fastify's router. @see https://fastify.dev/docs/latest/Reference/Routes/#constraints */
export function rpcConstraint(routes: RpcRoutes) {
  return {
    name: 'rpc',
    storage: () => {
      const handlers = new Map<unknown, unknown>();
      return {
        get: (value: unknown) => handlers.get(value) ?? null,
        set: (value: unknown, handler: unknown) => void handlers.set(value, handler),
      };
    },
    deriveConstraint: (request: IncomingMessage) => routes.constraintOf(request),
    validate: () => true,
  };
}
