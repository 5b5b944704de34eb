import type { chat } from '@rollcall/proto';

/** Who came or left. */
export interface PresenceChange {
  readonly kind: chat.RoomEvent_Kind;
  readonly members: readonly chat.Member[];
}

/** Who is in which room, over all replicas. A user with several streams is there once. */
export interface Presence {
  /** A user has a stream of the room open. @returns what tells that it has ended */
  enter(room: string, user: { readonly id: string; readonly name: string }): () => void;

  /** Who is in a room, and who was in it last: at most 200 of those who were. */
  members(room: string): Promise<chat.Member[]>;

  /**
   * Tells who came to a room (KIND_JOINED) and left it (KIND_LEFT), those of a short while together; KIND_PRESENT with
   * everybody when it is not certain what has changed.
   */
  watch(room: string, receive: (change: PresenceChange) => void): () => void;

  /** Forgets who was in a room that was deleted. Whoever is in it has a stream, which ends by itself. */
  forget(room: string): Promise<void>;

  close(): Promise<void>;
}
