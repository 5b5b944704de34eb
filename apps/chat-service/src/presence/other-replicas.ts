import type { Visitor } from './members.ts';
import type { Move, PresenceMessage } from './presence-messages.ts';
import { RoomVisitors } from './room-visitors.ts';

interface Replica {
  visitors: RoomVisitors;
  /** The number of its last change that is in `visitors`; -1 before its state is known. */
  change: number;
  heardAt: number;
  askedAt: number;
  /** The parts of its state that have come, all behind one change. */
  parts: { readonly change: number; readonly moves: Map<number, readonly Move[]> } | undefined;
}

/** How long it takes at the least until the state of a replica is asked for again, in milliseconds. */
const askAgainMs = 500;

/** Whom the other replicas have in their rooms, by what they say. What was missed of a replica is asked for. */
export class OtherReplicas {
  readonly #replicas = new Map<string, Replica>();
  readonly #ask: (replica: string) => void;
  readonly #moved: (move: Move) => void;

  /**
   * @param ask asks for the state of a replica
   * @param moved hears who came or left, there
   */
  constructor(ask: (replica: string) => void, moved: (move: Move) => void) {
    this.#ask = ask;
    this.#moved = moved;
  }

  get ids(): Iterable<string> {
    return this.#replicas.keys();
  }

  /** A user in a room, once for each replica. */
  *find(room: string, id: string): Generator<Visitor> {
    for (const { visitors } of this.#replicas.values()) {
      const visitor = visitors.get(room, id);
      if (visitor !== undefined) yield visitor;
    }
  }

  *in(room: string): Generator<Visitor> {
    for (const { visitors } of this.#replicas.values()) yield* visitors.in(room);
  }

  /** One of them says something, at a time in milliseconds. */
  receive(message: PresenceMessage, now: number): void {
    if (message.kind === 'bye') return void this.drop(message.replica, Date.now());
    const replica = this.#replicas.get(message.replica) ?? {
      visitors: new RoomVisitors(),
      change: -1,
      heardAt: now,
      askedAt: -Infinity,
      parts: undefined,
    };
    this.#replicas.set(message.replica, replica);
    replica.heardAt = now;
    switch (message.kind) {
      case 'change':
        if (message.change === replica.change + 1 && replica.change >= 0) {
          for (const move of message.moves) this.#apply(replica, move);
          replica.change = message.change;
        } else if (message.change > replica.change) this.#askFor(message.replica, replica, now);
        break;
      case 'state':
        this.#hearState(replica, message);
        break;
      case 'beat':
        if (message.change > replica.change) this.#askFor(message.replica, replica, now);
        break;
      case 'ask':
        if (replica.change < 0) this.#askFor(message.replica, replica, now);
        break;
    }
  }

  /** Those of whom nothing was heard since then. */
  silentSince(then: number): string[] {
    return [...this.#replicas].filter(([, { heardAt }]) => heardAt < then).map(([id]) => id);
  }

  /** Nothing could be heard for a while: all count as heard now. */
  expire(now: number): void {
    for (const replica of this.#replicas.values()) replica.heardAt = now;
  }

  /** Forgets a replica: all of its users have left. */
  drop(id: string, leftTimeMs: number): Move[] {
    const replica = this.#replicas.get(id);
    if (replica === undefined) return [];
    this.#replicas.delete(id);
    const moves = [...replica.visitors.all()].map(({ room, visitor }) => ({ ...visitor, room, leftTimeMs }));
    for (const move of moves) this.#moved(move);
    return moves;
  }

  #hearState(replica: Replica, { change, part, parts, moves }: PresenceMessage & { readonly kind: 'state' }): void {
    if (change < replica.change) return;
    if (replica.parts?.change !== change) replica.parts = { change, moves: new Map() };
    const known = replica.parts.moves.set(part, moves);
    if (known.size < parts) return;
    replica.parts = undefined;
    replica.change = change;
    const there = [...known.values()].flat();
    const names = new Set(there.map(({ room, id }) => `${room} ${id}`));
    const leftTimeMs = Date.now();
    for (const { room, visitor } of replica.visitors.all())
      if (!names.has(`${room} ${visitor.id}`)) this.#apply(replica, { ...visitor, room, leftTimeMs });
    for (const move of there) this.#apply(replica, move);
  }

  #apply(replica: Replica, move: Move): void {
    const { room, id, name, joinTimeMs, leftTimeMs } = move;
    const isKnown = replica.visitors.get(room, id) !== undefined;
    if (leftTimeMs > 0) replica.visitors.delete(room, id);
    else replica.visitors.set(room, { id, name, joinTimeMs });
    if (isKnown !== (leftTimeMs === 0)) this.#moved(move);
  }

  #askFor(id: string, replica: Replica, now: number): void {
    if (now - replica.askedAt < askAgainMs) return;
    replica.askedAt = now;
    this.#ask(id);
  }
}
