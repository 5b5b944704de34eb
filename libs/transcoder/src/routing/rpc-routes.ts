import type { IncomingMessage } from 'node:http';
import { type Method, bindingsOf, type Binding } from '@rollcall/contract';
import { answerErrorsBy } from '../problem/error-forms.ts';
import { type Spoken, spokenBy, spokenByQuery, takenTypes } from '../protocols/protocol.ts';
import { refuse } from '../protocols/refuse.ts';
import { splitTarget } from '../request/query.ts';
import { asksForWebSocket } from '../websocket/handshake.ts';
import type { DerivedRoutes } from '../options.ts';
import { RouteTable } from './route-table.ts';

/** A request that speaks a protocol of RPC, at the path of its method. */
export interface RpcRequest {
  readonly method: Method;
  readonly spoken: Spoken;
  /** The parameters of a call that comes by GET. */
  readonly query: URLSearchParams | undefined;
}

/**
 * What a request leads to: a binding and the path's segments, a call in a protocol of RPC, or nothing with this verb or
 * this Content-Type: then the verbs that its path takes, or the types.
 */
export type RpcRoute =
  | { readonly kind: 'binding'; readonly binding: Binding; readonly segments: readonly string[] }
  | ({ readonly kind: 'rpc' } & RpcRequest)
  | { readonly kind: 'verb'; readonly allow: readonly string[] }
  | { readonly kind: 'type'; readonly accept: string };

/** A request that a route was looked for. A WeakMap would cost each of them more than the search. */
interface RoutedRequest extends IncomingMessage {
  [foundRoute]?: RpcRoute;
}
const foundRoute: unique symbol = Symbol('foundRoute');

/** Where routes come from. */
export type RouteSource = Pick<
  DerivedRoutes,
  'contracts' | 'services' | 'errorDomain' | 'prefix' | 'unannotatedMethods'
>;

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
  /** The key of the route for paths that are known, and verbs or types that are not. */
  readonly notTaken = `not-taken-${(modules += 1)}`;
  /** What the paths of these routes begin with, behind the prefix of the app: `api`, or nothing. */
  readonly ownPrefix: string;
  /** What all paths begin with in the app, such as `/api`; empty by default. */
  prefix = '';
  readonly #table = new RouteTable<Route>();
  /** The methods by their own paths. */
  readonly #methods: ReadonlyMap<string, Method>;
  readonly #errorDomain: string;
  readonly #streamVerbs: ReadonlySet<string>;

  /** @throws Error when a service is missing, a rule cannot be read, or two rules have the same verb and path */
  constructor({ contracts, services, errorDomain = '', prefix = '', unannotatedMethods }: RouteSource) {
    this.#errorDomain = errorDomain;
    this.ownPrefix = prefix.replace(/^\/+|\/+$/g, '');
    const methods: Method[] = [];
    for (const service of services) {
      const known = contracts
        .flatMap((contract) => [...contract.methods.values()])
        .filter((method) => method.service === service);
      if (known.length === 0) throw new Error(`no contract has the service ${service}`);
      methods.push(...known.filter(({ http }) => http.length > 0 || unannotatedMethods !== 'hide'));
    }
    this.#methods = new Map(methods.map((method) => [method.path, method]));
    this.bindings = methods.flatMap(bindingsOf);
    this.#streamVerbs = new Set(this.bindings.filter(({ method }) => isStream(method)).map(({ verb }) => verb));
    this.bindings.forEach(refuseHttpBody);
    for (const binding of this.bindings) this.#table.add({ verb: binding.verb, template: binding.template, binding });
  }

  /** What a request leads to; undefined when no RPC has its path. */
  match(request: IncomingMessage): RpcRoute | undefined {
    const [whole, query] = splitTarget(request.url ?? '');
    if (!whole.startsWith(`${this.prefix}/`)) return undefined;
    const path = whole.slice(this.prefix.length);
    if (asksForWebSocket(request)) return this.#stream(path) ?? this.#rest('GET', path);
    const method = this.#methods.get(path);
    return (method && this.#rpc(request, method, query)) ?? this.#rest(request.method ?? 'GET', path);
  }

  /** All verbs and paths, as text in which variables have no names: `GET /v1/users/*`. */
  paths(): string[] {
    const templates = this.bindings.map(({ verb, template }) => `${verb} ${this.prefix}${patternOf(template)}`);
    return [...new Set([...templates, ...[...this.#methods.keys()].map((path) => `POST ${this.prefix}${path}`)])];
  }

  /** The stream at a path, whatever its verb: a handshake is always GET. */
  #stream(path: string): RpcRoute | undefined {
    for (const verb of this.#streamVerbs) {
      const match = this.#table.find(verb, path);
      if (match === undefined || !('route' in match)) continue;
      const { binding } = match.route;
      if (isStream(binding.method)) return { kind: 'binding', binding, segments: match.segments };
    }
    return undefined;
  }

  #rest(verb: string, path: string): RpcRoute | undefined {
    const match = this.#table.find(verb, path);
    if (match === undefined) return undefined;
    if ('route' in match) return { kind: 'binding', binding: match.route.binding, segments: match.segments };
    if (verb === 'HEAD' && match.allow.includes('GET')) return this.#rest('GET', path);
    return { kind: 'verb', allow: match.allow };
  }

  /** A request at a method's own path; undefined when it is a request of REST there, for a method without an HTTP rule. */
  #rpc(request: IncomingMessage, method: Method, query: string): RpcRoute | undefined {
    const hasOwnRule = method.http.length > 0;
    const allow = method.readOnly && method.kind === 'unary' ? ['GET', 'POST'] : ['POST'];
    if (request.method === 'GET' && allow.includes('GET') && query !== '') {
      const parameters = new URLSearchParams(query);
      const spoken = spokenByQuery(parameters, method);
      if (spoken !== undefined) return this.#spoken(request, { method, spoken, query: parameters });
    }
    if (request.method !== 'POST') return hasOwnRule ? { kind: 'verb', allow } : undefined;
    const { 'content-type': type, 'connect-protocol-version': version } = request.headers;
    const spoken = spokenBy(type, method);
    if (!hasOwnRule && version === undefined && (spoken === undefined || spoken.protocol === 'connect-unary'))
      return undefined;
    return spoken === undefined
      ? { kind: 'type', accept: takenTypes(method) }
      : this.#spoken(request, { method, spoken, query: undefined });
  }

  #spoken(request: IncomingMessage, call: RpcRequest): RpcRoute {
    answerErrorsBy(request, (reply, error) => refuse(call.spoken, reply, error, this.#errorDomain));
    return { kind: 'rpc', ...call };
  }

  /** What was found for a request. */
  routeOf(request: IncomingMessage): RpcRoute | undefined {
    return (request as RoutedRequest)[foundRoute];
  }
}

function patternOf({ segments, verb }: Binding['template']): string {
  const path = segments.map((segment) => (typeof segment === 'object' ? segment.literal : segment)).join('/');
  return `/${path}${verb === '' ? '' : `:${verb}`}`;
}

/** Such a body is no JSON: it would have to come and go as the bytes that it holds. @throws Error */
function refuseHttpBody({ method: { service, name, input, output }, body, responseField }: Binding): void {
  const bodies = [input, output, typeof body === 'object' ? body.message : undefined, responseField?.message];
  if (bodies.some((each) => each?.typeName === 'google.api.HttpBody'))
    throw new Error(
      `${service}.${name}: google.api.HttpBody is not served; leave the method's service out of services`,
    );
}

/** Notes what was found for a request. @returns the value of the constraint that selects its route */
export function noteRoute(request: IncomingMessage, route: RpcRoute, { notTaken }: RpcRoutes): string {
  (request as RoutedRequest)[foundRoute] = route;
  if (route.kind === 'binding') return route.binding.method.path;
  return route.kind === 'rpc' ? route.method.path : notTaken;
}

/** How many modules there are, so that each has keys of its own. */
let modules = 0;

function isStream({ requestStream, responseStream }: Method): boolean {
  return requestStream || responseStream;
}
