import { tooManyOwnRooms } from '../errors/chat-errors.ts';

const hourMs = 60 * 60 * 1000;

/** How many users are remembered who have made rooms. Whoever made one before all others is forgotten first. */
const maxUsers = 100_000;

/** How many rooms each user makes in an hour at the most: nobody takes all that there may be. */
export class RoomShares {
  readonly #max: number;
  readonly #now: () => number;
  /** When users made their rooms of the last hour, whoever made one last at the end. */
  readonly #made = new Map<string, number[]>();

  /** @param max rooms of a user in an hour */
  constructor(max: number, now: () => number = () => performance.now()) {
    this.#max = max;
    this.#now = now;
  }

  /** A user makes a room. @throws RpcError TOO_MANY_ROOMS */
  take(userId: string): void {
    const now = this.#now();
    const recent = (this.#made.get(userId) ?? []).filter((at) => now - at < hourMs);
    const [oldest] = recent;
    if (oldest !== undefined && recent.length >= this.#max)
      throw tooManyOwnRooms(this.#max, Math.ceil(oldest + hourMs - now));
    this.#made.delete(userId);
    this.#made.set(userId, [...recent, now]);
    const [first] = this.#made.keys();
    if (this.#made.size > maxUsers && first !== undefined) this.#made.delete(first);
  }
}
