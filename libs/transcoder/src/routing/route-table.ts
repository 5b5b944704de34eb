import type { PathTemplate, Segment } from '@rollcall/contract';

/** Something that is reached by a verb and a path. */
export interface Routed {
  readonly verb: string;
  readonly template: PathTemplate;
}

/** What a verb and a path lead to: a route, or the verbs that the path would take, or nothing. */
export type RouteMatch<Route> =
  | { readonly route: Route; readonly segments: readonly string[] }
  | { readonly allow: readonly string[] }
  | undefined;

interface Node<Route> {
  readonly literals: Map<string, Node<Route>>;
  single?: Node<Route>;
  many?: Node<Route>;
  /** The routes that end here, by custom verb, then by HTTP verb. */
  readonly ends: Map<string, Map<string, Route>>;
}

/** Finds routes by verb and path. A literal segment goes before `*`, and `*` before `**`. */
export class RouteTable<Route extends Routed> {
  readonly #root: Node<Route> = newNode();

  /** @throws Error when another route has the same verb and the same template but for variable names */
  add(route: Route): void {
    let node = this.#root;
    for (const segment of route.template.segments) node = child(node, segment);
    const routes = node.ends.get(route.template.verb) ?? new Map<string, Route>();
    node.ends.set(route.template.verb, routes);
    if (routes.has(route.verb)) {
      throw new Error(`two routes for ${route.verb} ${route.template.source}`);
    }
    routes.set(route.verb, route);
  }

  /** @param path the path of a request target, percent-encoded, without its query */
  find(verb: string, path: string): RouteMatch<Route> {
    if (!path.startsWith('/')) return undefined;
    const whole = path.slice(1).split('/');
    const last = whole.at(-1) ?? '';
    const colon = last.lastIndexOf(':');
    const segments = colon > 0 ? [...whole.slice(0, -1), last.slice(0, colon)] : whole;
    const custom = last.slice(colon + 1);
    if (colon > 0) {
      const route = search(this.#root, segments, 0, custom, verb, undefined);
      if (route !== undefined) return { route, segments };
      const allow = new Set<string>(); // what is behind the colon is a custom verb where some method has it
      search(this.#root, segments, 0, custom, verb, allow);
      if (allow.size > 0) return { allow: verbsOf(allow) };
    }
    const route = search(this.#root, whole, 0, '', verb, undefined);
    if (route !== undefined) return { route, segments: whole };
    const allow = new Set<string>(); // what the path takes is looked for when it does not take this
    search(this.#root, whole, 0, '', verb, allow);
    return allow.size > 0 ? { allow: verbsOf(allow) } : undefined;
  }
}

/** Whatever takes GET takes HEAD. */
function verbsOf(allow: ReadonlySet<string>): string[] {
  return [...allow, ...(allow.has('GET') && !allow.has('HEAD') ? ['HEAD'] : [])].toSorted();
}

function newNode<Route>(): Node<Route> {
  return { literals: new Map(), ends: new Map() };
}

function child<Route>(node: Node<Route>, segment: Segment): Node<Route> {
  if (segment === '*') return (node.single ??= newNode());
  if (segment === '**') return (node.many ??= newNode());
  const found = node.literals.get(segment.literal) ?? newNode<Route>();
  node.literals.set(segment.literal, found);
  return found;
}

function search<Route>(
  node: Node<Route>,
  segments: readonly string[],
  at: number,
  customVerb: string,
  verb: string,
  allow: Set<string> | undefined,
): Route | undefined {
  const segment = segments[at];
  if (segment === undefined)
    return end(node, customVerb, verb, allow) ?? (node.many && end(node.many, customVerb, verb, allow));
  const literal = node.literals.get(segment);
  return (
    (literal && search(literal, segments, at + 1, customVerb, verb, allow)) ??
    (segment !== '' && node.single ? search(node.single, segments, at + 1, customVerb, verb, allow) : undefined) ??
    (node.many && end(node.many, customVerb, verb, allow))
  );
}

function end<Route>(
  node: Node<Route>,
  customVerb: string,
  verb: string,
  allow: Set<string> | undefined,
): Route | undefined {
  const routes = node.ends.get(customVerb);
  if (routes === undefined) return undefined;
  if (allow !== undefined) for (const known of routes.keys()) allow.add(known);
  return routes.get(verb) ?? routes.get('*');
}
