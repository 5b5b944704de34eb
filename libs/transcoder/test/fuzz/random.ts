/** Numbers that seem random and are the same for the same seed. @see https://github.com/bryc/code/blob/master/jshash/PRNGs.md */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 up to and without a limit. */
  below(limit: number): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return Math.floor((((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32) * limit);
  }

  chance(one: number): boolean {
    return this.below(one) === 0;
  }

  pick<T>(from: readonly T[]): T {
    const [picked] = from.slice(this.below(from.length));
    if (picked === undefined) throw new Error('there is nothing to pick from');
    return picked;
  }
}
