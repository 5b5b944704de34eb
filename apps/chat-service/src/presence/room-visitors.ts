import type { Visitor } from './members.ts';

/** Who is in the rooms, as far as one replica goes. */
export class RoomVisitors<V extends Visitor = Visitor> {
  readonly #rooms = new Map<string, Map<string, V>>();

  get(room: string, id: string): V | undefined {
    return this.#rooms.get(room)?.get(id);
  }

  in(room: string): Iterable<V> {
    return this.#rooms.get(room)?.values() ?? [];
  }

  set(room: string, visitor: V): void {
    const users = this.#rooms.get(room) ?? new Map<string, V>();
    this.#rooms.set(room, users.set(visitor.id, visitor));
  }

  delete(room: string, id: string): void {
    const users = this.#rooms.get(room);
    users?.delete(id);
    if (users?.size === 0) this.#rooms.delete(room);
  }

  *all(): Generator<{ readonly room: string; readonly visitor: V }> {
    for (const [room, users] of this.#rooms) for (const visitor of users.values()) yield { room, visitor };
  }
}
