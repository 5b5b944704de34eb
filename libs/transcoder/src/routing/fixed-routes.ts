import type { RouteOptions } from 'fastify';
import type { PathTemplate, Segment } from '@rollcall/contract';
import { RouteTable } from './route-table.ts';

/** The routes of an app that are no RPCs: which verbs their paths take. */
export class FixedRoutes {
  readonly #table = new RouteTable<{ readonly verb: string; readonly template: PathTemplate }>();

  /** Notes a route of Fastify. */
  add({ method, url, constraints }: Pick<RouteOptions, 'method' | 'url' | 'constraints'>): void {
    if (!url.startsWith('/') || Object.keys(constraints ?? {}).length > 0) return; // those are RPCs, or CORS
    const segments = url.slice(1).split('/').map(segmentOf);
    for (const verb of [method].flat()) {
      const known = this.#table.find(verb, url);
      if (known !== undefined && 'route' in known) continue;
      this.#table.add({ verb, template: { source: url, segments, variables: [], verb: '' } });
    }
  }

  /** The verbs that a path takes; undefined when it takes this one, or nothing is there. */
  allow(verb: string, path: string): readonly string[] | undefined {
    const found = this.#table.find(verb, path);
    return found !== undefined && 'allow' in found ? found.allow : undefined;
  }
}

function segmentOf(text: string): Segment {
  return text === '*' ? '**' : text.startsWith(':') ? '*' : { literal: text };
}
