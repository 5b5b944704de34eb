import type { JsonValue } from '@bufbuild/protobuf';

/** How large a message is at the most that is remembered, in bytes, and how many of the last are. */
const maxBytes = 4096;
const maxMessages = 64;

/**
 * Reads the messages of streams as the items that are in them. A message that goes to many readers at a time, each with a
 * stream of its own, is read once.
 */
export class SharedItems {
  readonly #read: (bytes: Buffer) => readonly JsonValue[];
  /** By the bytes of the message, the oldest first. */
  readonly #recent = new Map<string, readonly JsonValue[]>();

  /** @param read reads a message */
  constructor(read: (bytes: Buffer) => readonly JsonValue[]) {
    this.#read = read;
  }

  /** The items of a message; the same array for the same bytes, as long as it is remembered. @throws Error of `read` */
  of(bytes: Buffer): readonly JsonValue[] {
    if (bytes.length > maxBytes) return this.#read(bytes);
    const key = bytes.toString('latin1');
    const known = this.#recent.get(key);
    if (known !== undefined) return known;
    const items = this.#read(bytes);
    this.#recent.set(key, items);
    if (this.#recent.size > maxMessages) {
      const [oldest] = this.#recent.keys();
      if (oldest !== undefined) this.#recent.delete(oldest);
    }
    return items;
  }
}
