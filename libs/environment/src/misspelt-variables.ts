import type { Environment } from './variables.ts';

/** Variables that have another name now. */
const renamed: ReadonlyMap<string, string> = new Map([
  ['PACKED_CALLS', 'BATCHED_CALLS'],
  ['GRPC_LAST_WORD_MS', 'GRPC_RESET_GRACE_MS'],
]);

/** An environment that remembers which of its variables somebody has looked for. */
export class ReadEnvironment {
  readonly env: Environment;
  readonly #env: Environment;
  readonly #read = new Set<string>();

  constructor(env: Environment) {
    this.#env = env;
    this.env = new Proxy(env, {
      get: (target, name: string) => {
        this.#read.add(name);
        return target[name];
      },
    });
  }

  /** A sentence for each variable that nobody has looked for, and that is nearly one of those that were. */
  hints(): string[] {
    return Object.keys(this.#env).flatMap((name) => {
      if (this.#read.has(name)) return [];
      const now = renamed.get(name);
      if (now !== undefined) return [`${name} is not read: it is called ${now} now.`];
      const meant = [...this.#read].find((known) => isNear(name.toUpperCase(), known));
      return meant === undefined ? [] : [`${name} is not read: is ${meant} meant?`];
    });
  }
}

/** Two slips of the pen; one in a short name, of which many are alike. */
function isNear(name: string, known: string): boolean {
  const slips = known.length < 10 ? 1 : 2;
  return Math.abs(name.length - known.length) <= slips && distance(name, known) <= slips;
}

/** How many letters have to be added, taken away or replaced. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let index = 0; index < one.length; index += 1) {
    const next = [index + 1];
    for (let at = 0; at < other.length; at += 1) {
      const replaced = (row[at] ?? 0) + (one[index] === other[at] ? 0 : 1);
      next.push(Math.min((next[at] ?? 0) + 1, (row[at + 1] ?? 0) + 1, replaced));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
