import { encodedForm } from '@rollcall/grpc';
import type { chat } from '@rollcall/proto';
import { type EncodedEvents, encodeEvents, eventsOf } from './events.ts';

/** Notes that go to readers in one message. */
export interface Group {
  /** The number of the note before its first one. */
  readonly after: number;
  /** The number of its last note. */
  readonly last: number;
  readonly message: EncodedEvents;
  /** How many bytes of groups there were before it, ever. */
  readonly offset: number;
  /** When it came, by `performance.now()`. */
  readonly cameAt: number;
}

/** What a reader gets of a group that has the notes up to a number, from this group or on another way. */
export function messageBehind({ after, message }: Group, seq: number): EncodedEvents {
  return after === seq ? message : encodeEvents(message.events.filter((event) => Number(event.seq) > seq));
}

/** A message whose bytes have memory of their own: as a piece of the buffer that Node shares out it would keep all of that. */
function ofItsOwn(message: EncodedEvents): EncodedEvents {
  const encoded = message[encodedForm];
  const own = Buffer.allocUnsafeSlow(encoded.length);
  encoded.copy(own);
  return { ...message, [encodedForm]: own };
}

/** How many notes a group has at the most. */
const maxGroup = 50;

/** How many bytes are kept at the least, and how many groups at the most: more than a live reader may be behind. */
const keptBytes = 1024 * 1024;
const keptGroups = 10_000;

/** The last notes of a room, without holes, each encoded once for all readers. */
export class RecentNotes {
  readonly #groups: Group[] = [];
  #bytes = 0;
  /** The number of the last note. */
  last: number;
  /** Why nothing follows these: the log was lost, or the room was deleted. */
  over: 'lost' | 'deleted' | undefined;

  /** @param last the number of the last note before those that are added */
  constructor(last: number) {
    this.last = last;
  }

  /** Adds notes that follow. @returns their groups */
  add(notes: readonly chat.Note[]): Group[] {
    const added: Group[] = [];
    const cameAt = performance.now();
    for (let start = 0; start < notes.length; start += maxGroup) {
      const some = notes.slice(start, start + maxGroup);
      const message = ofItsOwn(encodeEvents(eventsOf(some, this.last)));
      const group = { after: this.last, last: Number(some.at(-1)?.seq), message, offset: this.#bytes, cameAt };
      this.#bytes += message[encodedForm].length;
      this.last = group.last;
      added.push(group);
    }
    this.#groups.push(...added);
    let forgotten = 0;
    while (this.#groups.length - forgotten > keptGroups || this.#bytes - this.#offset(forgotten + 1) >= keptBytes)
      forgotten += 1;
    this.#groups.splice(0, forgotten);
    return added;
  }

  /** The group with the note that follows another one; undefined when it is not kept, or not there yet. */
  behind(seq: number): Group | undefined {
    let [low, high] = [0, this.#groups.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const group = this.#groups[middle];
      if (group === undefined || group.last > seq) high = middle;
      else low = middle + 1;
    }
    const found = this.#groups[low];
    return found !== undefined && found.after <= seq ? found : undefined;
  }

  /** How many bytes there are from a group on. */
  bytesFrom(group: Group): number {
    return this.#bytes - group.offset;
  }

  #offset(index: number): number {
    return this.#groups[index]?.offset ?? this.#bytes;
  }
}
