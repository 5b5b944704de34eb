import type { IncomingMessage } from 'node:http';
import { splitTarget } from '../request/query.ts';

/** What stands in the request line, in the one form that all is routed by. */
export interface Target {
  /** The path and the query. */
  readonly url: string;
  /** The host that the target names, which counts over the Host header. */
  readonly host?: string;
  /** Whether it is the server as a whole. */
  readonly ofServer?: boolean;
  /** Why it is no target of a resource here. */
  readonly fault?: string;
}

const authority = /^(?:\[[\da-f:.]+\]|[^\s:@[\]]+)(?::\d*)?$/i;

/**
 * Reads a request target in the forms that a server gets: `/path?query`, `http://host/path?query`, and `*` of OPTIONS.
 * Its path is percent-encoded UTF-8; a fragment is no part of it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-3.2
 */
export function readTarget(method: string | undefined, target: string): Target {
  if (target.startsWith('/')) return checked(target);
  if (target === '*' && method === 'OPTIONS') return { url: '/', ofServer: true };
  const [, host = '', rest = ''] = /^https?:\/\/([^/?#]*)(.*)$/is.exec(target) ?? [];
  if (!authority.test(host)) return { url: '/', fault: 'The target of the request is neither a path nor an http URL.' };
  return { ...checked(rest.startsWith('/') ? rest : `/${rest}`), host };
}

function checked(url: string): Target {
  if (url.includes('#')) return { url: '/', fault: 'The target of the request has a fragment.' };
  const [path] = splitTarget(url);
  if (!path.includes('%')) return { url };
  try {
    decodeURIComponent(path);
    return { url };
  } catch {
    return { url: '/', fault: 'The path is not percent-encoded UTF-8.' };
  }
}

/** A request whose target is more than a path. A WeakMap would cost each request more than it is worth. */
interface Targeting extends IncomingMessage {
  [target]?: Target;
}
const target: unique symbol = Symbol('target');

/** Gives a request the host that its target names. @returns the URL to route it by */
export function routedUrl(request: IncomingMessage): string {
  const read = readTarget(request.method, request.url ?? '');
  if (read.host !== undefined) request.headers.host = read.host;
  if (read.fault !== undefined || read.ofServer) (request as Targeting)[target] = read;
  return read.url;
}

/** Why the target of a request leads nowhere; undefined when it may. */
export function targetFault(request: IncomingMessage): string | undefined {
  return (request as Targeting)[target]?.fault;
}

/** Whether a request is for the server as a whole: `OPTIONS *`. */
export function isOfServer(request: IncomingMessage): boolean {
  return (request as Targeting)[target]?.ofServer === true;
}
