import type { DescEnum, DescMessage, DescMethod } from '@bufbuild/protobuf';

/** Messages and enums, by which sides of the calls they can appear on. */
export interface Reached {
  readonly inRequests: ReadonlySet<DescMessage | DescEnum>;
  readonly inResponses: ReadonlySet<DescMessage | DescEnum>;
}

/** Everything that the requests and the responses of some methods can hold. */
export function reachedFrom(methods: Iterable<DescMethod>): Reached {
  const inRequests = new Set<DescMessage | DescEnum>();
  const inResponses = new Set<DescMessage | DescEnum>();
  for (const { input, output } of methods) {
    reach(input, inRequests);
    reach(output, inResponses);
  }
  return { inRequests, inResponses };
}

function reach(desc: DescMessage, found: Set<DescMessage | DescEnum>): void {
  if (found.has(desc)) return;
  found.add(desc);
  for (const field of desc.fields) {
    if (field.enum !== undefined) found.add(field.enum);
    if (field.message !== undefined) reach(field.message, found);
  }
}

/** The names of components: short ones, without the package, where only one message or enum has it; else full names. */
export class ComponentNames {
  readonly #names = new Map<DescMessage | DescEnum, string>();
  readonly #used: Set<string>;

  /** @param reserved names that no message or enum gets */
  constructor(reached: Reached, reserved: readonly string[]) {
    this.#used = new Set(reserved);
    const descs = [...new Set([...reached.inRequests, ...reached.inResponses])];
    const short = descs.map(shortName);
    for (const [index, desc] of descs.entries()) {
      const name = short[index] as string;
      const alone = short.indexOf(name) === short.lastIndexOf(name) && !this.#used.has(name);
      this.#names.set(desc, this.unique(alone ? name : desc.typeName));
    }
  }

  /** @throws Error when the methods do not reach it */
  of(desc: DescMessage | DescEnum): string {
    const name = this.#names.get(desc);
    if (name === undefined) throw new Error(`${desc.typeName} has no component name`);
    return name;
  }

  /** The name itself, or with a number when it is taken. It is taken from now on. */
  unique(name: string): string {
    let candidate = name;
    for (let number = 2; this.#used.has(candidate); number++) candidate = `${name}_${number}`;
    this.#used.add(candidate);
    return candidate;
  }
}

function shortName({ typeName, file }: DescMessage | DescEnum): string {
  const { package: pkg } = file.proto;
  return pkg === '' ? typeName : typeName.slice(pkg.length + 1);
}
