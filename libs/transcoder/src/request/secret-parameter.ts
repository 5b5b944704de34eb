import { splitTarget } from './query.ts';

/** An HTTP request, as far as it matters here. */
interface Targeted {
  readonly url?: string | undefined;
}

interface Taken {
  readonly values: readonly string[];
  /** The length of the target before, in bytes. */
  readonly length: number;
}

const taken = new WeakMap<Targeted, Taken>();

/**
 * Takes a parameter that is a secret out of the URL of a request, before anything reads it, so that it stands in no log,
 * no error and no link.
 *
 * @returns the URL without it
 */
export function withoutSecret(request: Targeted, name: string): string {
  const target = request.url ?? '';
  const [path, query] = splitTarget(target);
  if (!query.includes(name) && !query.includes('%')) return target;
  const values: string[] = [];
  const kept = query.split('&').filter((pair) => {
    const equals = pair.indexOf('=');
    if (decoded(equals < 0 ? pair : pair.slice(0, equals)) !== name) return true;
    values.push(equals < 0 ? '' : decoded(pair.slice(equals + 1)));
    return false;
  });
  if (values.length === 0) return target;
  taken.set(request, { values, length: target.length });
  return kept.length === 0 ? path : `${path}?${kept.join('&')}`;
}

/** The values of the secret parameter that a request came with. */
export function secretsOf(request: Targeted): readonly string[] {
  return taken.get(request)?.values ?? [];
}

/** The length of the target that a request came with, in bytes: HTTP has it in ASCII. */
export function targetLength(request: Targeted): number {
  return taken.get(request)?.length ?? request.url?.length ?? 0;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text; // it is no secret of ours then, and still none to keep
  }
}
