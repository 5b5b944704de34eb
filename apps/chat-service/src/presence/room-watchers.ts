import { Logger } from '@nestjs/common';
import { chat } from '@rollcall/proto';
import { toTimestamp } from '../log/note-rows.ts';
import { absentMember, presentMember, type Visitor } from './members.ts';
import type { PresenceChange } from './presence.ts';

const { KIND_JOINED, KIND_LEFT, KIND_PRESENT } = chat.RoomEvent_Kind;

const logger = new Logger('presence');

interface Watched {
  readonly hearers: Set<(change: PresenceChange) => void>;
  /** Whom they were told of as present. */
  told: ReadonlyMap<string, Visitor>;
}

/** Those who want to know who comes to a room and who leaves it. They are told of what differs from what they were told. */
export class RoomWatchers {
  readonly #presentIn: (room: string) => ReadonlyMap<string, Visitor>;
  readonly #members: (room: string) => Promise<chat.Member[]>;
  readonly #watched = new Map<string, Watched>();

  /**
   * @param presentIn gives who is in a room
   * @param members gives them and who was there
   */
  constructor(
    presentIn: (room: string) => ReadonlyMap<string, Visitor>,
    members: (room: string) => Promise<chat.Member[]>,
  ) {
    this.#presentIn = presentIn;
    this.#members = members;
  }

  add(room: string, receive: (change: PresenceChange) => void): () => void {
    const watched = this.#watched.get(room) ?? { hearers: new Set(), told: this.#presentIn(room) };
    this.#watched.set(room, watched);
    const own = (change: PresenceChange): void => {
      try {
        receive(change);
      } catch (error) {
        logger.error(error); // it is the watcher's own, and costs no one else
      }
    };
    watched.hearers.add(own);
    return () => {
      watched.hearers.delete(own);
      if (watched.hearers.size === 0 && this.#watched.get(room) === watched) this.#watched.delete(room);
    };
  }

  /** Tells what has changed, or who is there when that is not certain. */
  async publish(room: string, isCertain: boolean): Promise<void> {
    const watched = this.#watched.get(room);
    if (watched === undefined) return;
    const before = watched.told;
    const now = this.#presentIn(room);
    watched.told = now;
    const joined = [...now.values()].filter(({ id }) => !before.has(id)).map(presentMember);
    const time = toTimestamp(Date.now());
    const left = [...before.values()]
      .filter(({ id }) => !now.has(id))
      .map(({ id, name }) => absentMember(id, name, time));
    if (joined.length === 0 && left.length === 0) return;
    const changes: PresenceChange[] = isCertain
      ? [
          { kind: KIND_JOINED, members: joined },
          { kind: KIND_LEFT, members: left },
        ]
      : [{ kind: KIND_PRESENT, members: await this.#members(room) }];
    for (const change of changes) if (change.members.length > 0) for (const receive of watched.hearers) receive(change);
  }
}
